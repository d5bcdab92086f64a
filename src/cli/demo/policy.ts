/** The policy of the demo: short enough to read at a glance, with one rule of each kind. Written into a fresh data folder. */
export const DEMO_POLICY = `# Policy of the Sightglass demo. Edit it while the demo runs: it is reloaded when it changes.
version: 1
default: { action: inspect, capture: bodies }
lists:
  banking: { domains: [bank.demo.test] }
  health: { domains: [.clinic.demo.test] }
  trackers: { domains: ["*.tracker.demo.test"] }
rules:
  - name: malware
    when: { host: malware.demo.test }
    action: block
    block: alert
    reason: Known to serve malware.
  - name: no-trackers
    when: { host: "list:trackers" }
    action: block
    block: page
    reason: Trackers are not welcome here.
  - name: banking-stays-private
    when: { host: "list:banking" }
    action: passthrough
    reason: Banking is never decrypted.
  - name: health-stays-private
    when: { host: "list:health" }
    action: passthrough
    reason: Medical matters are never decrypted.
  - name: downloads-without-bodies
    when: { host: files.demo.test }
    action: inspect
    capture: headers
`;
