/**
 * Everything `sightglass doctor` can answer: one closed catalogue, so that a script may rely on a code, the reference is
 * written from it, and a test sees that each of them can really be provoked.
 *
 * An answer never holds a secret: keys, passphrases and credentials are only ever named, not shown.
 */

/** `good` needs nothing; `attention` works but will not stay so, or not for everybody; `bad` is broken; `unknown` could not be seen. */
export type State = 'good' | 'attention' | 'bad' | 'unknown';

/** What each check asks, in the order in which people should read the answers: from the machine outwards. */
export const CHECKS = {
  port: 'Can clients reach the proxy here?',
  policy: 'Is there a policy that can be applied?',
  key: 'Is the CA key safe, and will the authority live long enough?',
  disk: 'Is there room for records?',
  store: 'Can the store of records be used?',
  spool: 'Do records reach the store?',
  clock: 'Is the clock right?',
  names: 'Do the resolvers agree?',
  parent: 'Do the parent proxies answer?',
  origin: 'Do TLS handshakes with origins succeed, and if not, whose fault is it?',
  client: 'Do clients trust our certificates?',
  quic: 'Can QUIC leak around the proxy?',
  shell: 'Does the environment of this shell get in the way?',
  list: 'Are fetched lists fresh?',
} as const;
export type CheckName = keyof typeof CHECKS;

interface Entry {
  state: State;
  /** What to do now; null when there is nothing to do. */
  next: string | null;
}

const good = (): Entry => ({ state: 'good', next: null });
const attention = (next: string): Entry => ({ state: 'attention', next });
const bad = (next: string): Entry => ({ state: 'bad', next });
const unknown = (next: string): Entry => ({ state: 'unknown', next });

/** By code; the part before the first dash is the check. */
export const ANSWERS = {
  'port-serves': good(),
  'port-collector': good(),
  'port-closed': attention('Start the service: sightglass start.'),
  'port-stranger': bad('Stop the other program, or give the proxy another port (proxy.listen).'),
  'port-mute': bad('Look at the log of the service: it holds the port and does not answer.'),
  'port-filtered': bad('Open the port in the firewall of this machine for the networks of your clients.'),
  'port-local': attention(
    'For clients on other machines name an address that they can reach (proxy.listen).',
  ),

  'policy-good': good(),
  'policy-absent': attention('The first start writes one; or name yours (policy.file).'),
  'policy-refused': bad(
    'Mend the file; until then the version before it stays in force, and no start succeeds.',
  ),

  'key-good': good(),
  'key-absent': attention('The first start makes one; or make it now: sightglass ca init.'),
  'key-plain': attention(
    'Encrypt it: begin with a passphrase (ca.passphrase-file) when you make the authority.',
  ),
  'key-refused': bad('Do what the message says; the service does not start before.'),
  'key-ending': attention('Begin a rotation, so that clients know the new root before this one ends.'),
  'key-random': bad('Give the machine a source of randomness (virtio-rng, rngd) before you make keys.'),

  'disk-good': good(),
  'disk-absent': attention('The first start makes it.'),
  'disk-low': attention(
    'Free space, shorten the retention (audit.retain-days), or move data-dir to a larger disk.',
  ),
  'disk-full': bad('Free space now: under audit.onFailure block nothing new is inspected.'),
  'disk-readonly': bad('Make data-dir writable for the user of the service, or mount its disk read-write.'),

  'store-good': good(),
  'store-elsewhere': good(),
  'store-refused': bad('Do what the evidence says; until then records wait in the spools.'),
  'store-unreachable': bad(
    'Start the database, or mend address, password and certificate (audit.store, audit.store-read); records wait in the spools.',
  ),

  'spool-good': good(),
  'spool-waiting': attention('Start the service: it carries on where it was. Nothing is lost meanwhile.'),
  'spool-behind': bad('Look at disk and CPU of the recorder; the console and the log tell why batches fail.'),

  'clock-good': good(),
  'clock-off': bad('Let the machine follow a time server (systemd-timesyncd, chrony).'),
  'clock-backwards': bad(
    'Set the clock right: there are records from its future, and new rows would lie before them.',
  ),
  'clock-unmeasured': unknown('Name an origin that answers: sightglass doctor --host NAME.'),

  'names-agree': good(),
  'names-differ': attention(
    'Two sources of names give different addresses: check that split DNS is meant here.',
  ),
  'names-fail': bad('Check the name, /etc/resolv.conf and the firewall for port 53.'),
  'names-silent': bad(
    'Remove the resolver that does not answer from /etc/resolv.conf, or let it answer this machine.',
  ),
  'names-none': unknown('Name a host that your clients use: sightglass doctor --host NAME.'),

  'parent-none': good(),
  'parent-good': good(),
  'parent-auth': bad(
    'Name credentials that it accepts as `credentials` of the group in the policy, or exempt this machine there.',
  ),
  'parent-login': bad(
    'Put user:password into the file that the evidence names, in the folder `parent.secrets`, readable by the service.',
  ),
  'parent-untrusted': bad(
    'Name the authority of the parent with `parent.extra-ca`, or the parent by the name in its certificate.',
  ),
  'parent-refused': bad('Ask who runs the parent why it refuses CONNECT for this host from this machine.'),
  'parent-silent': bad('Check address, port and firewall between here and the parent.'),

  'origin-good': good(),
  'origin-unreachable': bad(
    'Compare with other hosts: if all fail alike it is the way out (DNS, firewall, parent).',
  ),
  'origin-theirs': bad('The origin has to mend this; until then block it with a reason, or pass it through.'),
  'origin-ours': bad('Mend it here: way out, firewall, egress rules or trust of this machine.'),
  'origin-none': unknown('Name a host that your clients use: sightglass doctor --host NAME.'),

  'client-good': good(),
  'client-distrust': attention(
    'Deploy the root to these clients, or pass the hosts through that pin certificates.',
  ),
  'client-none': unknown('Let a client open an inspected page, then ask again.'),

  'quic-closed': good(),
  'quic-open': attention(
    'Drop UDP port 443 from clients at the firewall, and turn QUIC off by policy in browsers.',
  ),
  'quic-none': unknown('Name an origin that speaks QUIC: sightglass doctor --host NAME.'),

  'shell-clean': good(),
  'shell-proxy': attention(
    'Programs started here go through that proxy; the service itself does not read these variables.',
  ),
  'shell-keylog': bad(
    'Unset SSLKEYLOGFILE: it makes programs write the keys of their TLS sessions to a file.',
  ),
  'shell-unverified': bad(
    'Unset NODE_TLS_REJECT_UNAUTHORIZED: it turns off verification in Node programs started here.',
  ),

  'list-none': good(),
  'list-fresh': good(),
  'list-stale': bad(
    'See what the publisher answered (sightglass lists status); the last good copy stays in use.',
  ),
} as const satisfies Record<`${CheckName}-${string}`, Entry>;
export type AnswerCode = keyof typeof ANSWERS;

export interface Answer {
  check: CheckName;
  code: AnswerCode;
  state: State;
  /** One sentence. May hold bytes from outside. */
  finding: string;
  /** What was seen, a line each. */
  evidence: string[];
  next: string | null;
}

/** An answer of the catalogue with what was found. */
export function answer(code: AnswerCode, finding: string, evidence: readonly string[] = []): Answer {
  const { state, next } = ANSWERS[code];
  return {
    check: code.slice(0, code.indexOf('-')) as CheckName,
    code,
    state,
    finding,
    evidence: [...evidence],
    next,
  };
}

const WORST: readonly State[] = ['good', 'unknown', 'attention', 'bad'];

/** The worst state among answers; `good` when there are none. */
export function worst(answers: readonly Answer[]): State {
  return answers.reduce<State>((w, a) => (WORST.indexOf(a.state) > WORST.indexOf(w) ? a.state : w), 'good');
}
