/** The parts of the fake console that do not change: its status, policy, trail and bodies. */
import type { BodyPreview, ExchangeDetail, Status, TrailPage } from '../../../web/contract.ts';

export function statusOf(now: number, flows: number): Status {
  const ago = (ms: number): string => new Date(now - ms).toISOString();
  return {
    version: '0.1.0',
    started: ago(2.3 * 86_400_000),
    now: new Date(now).toISOString(),
    proxy: ['[::]:8080'],
    console: ['127.0.0.1:9080'],
    workers: [
      {
        id: 1,
        pid: 4121,
        state: 'serving',
        connections: 37,
        flows: 18_221,
        restarts: 0,
        rssBytes: 118_400_000,
      },
      {
        id: 2,
        pid: 4122,
        state: 'serving',
        connections: 41,
        flows: 18_640,
        restarts: 1,
        rssBytes: 121_900_000,
      },
    ],
    audit: {
      healthy: true,
      spoolBytes: 18_432,
      lagMs: 140,
      flows: flows * 31,
      exchanges: flows * 74,
      storeBytes: 1_932_735_283,
      days: 31,
      problem: null,
    },
    shipping: null,
    policy: { version: '3fa2c19b0d4e', rejected: null },
    ca: {
      subject: 'CN=Sightglass Root CA 2026, O=Example Corporation',
      fingerprint: 'c2a9d3f10b7e4c5d8a6f9e1b2c3d4e5f60718293a4b5c6d7e8f9012345abcdef',
      notBefore: ago(2.3 * 86_400_000),
      notAfter: ago(-3650 * 86_400_000),
      keyType: 'ECDSA P-256',
    },
  };
}

export const POLICY_TEXT = `# Who may go where, and what is looked at. The first rule that matches decides.
version: 1

lists:
  finance: [bank.example, .payments.example]
  health: { file: lists/health.txt }   # never decrypted

rules:
  - name: gambling
    hosts: ["@gambling", "*.casino.example"]
    action: block
    block: page
    reason: "on the list of gambling sites"

  - name: finance
    hosts: ["@finance"]
    action: passthrough
    reason: finance sites are never decrypted

  - name: uploads
    hosts: [files.example.net]
    action: inspect
    capture: bodies

  - name: web
    hosts: ["@business"]
    action: inspect
    capture: headers

doubt:
  no-sni: block
  malformed-hello: block
default: inspect
`;

export function trailRows(): TrailPage {
  const actions: readonly (readonly [string, string | null, Record<string, unknown>])[] = [
    ['search', 'alice.auditor', { kind: 'exchanges', q: 'host:.example.com status:5xx' }],
    ['exchange.viewed', 'alice.auditor', { exchange: '2s-1f.2' }],
    ['body.previewed', 'alice.auditor', { exchange: '2s-1f.2', side: 'res' }],
    ['export', 'bo', { format: 'csv', rows: 1204 }],
    ['login.done', 'alice.auditor', {}],
    ['login.refused', null, { name: 'root' }],
    ['setup.done', 'alice.auditor', { roles: ['admin'] }],
  ];
  return {
    rows: actions.map(([action, user, detail], at) => ({
      id: 90 - at,
      time: new Date(Date.now() - at * 71_000).toISOString(),
      user,
      address: '127.0.0.1',
      action,
      detail,
    })),
    next: null,
  };
}

/** What a test wants to see as a body instead of the usual one. */
export const bodies = new Map<string, string>();

export function preview(detail: ExchangeDetail, side: string): BodyPreview {
  const message = side === 'req' ? detail.request : detail.response;
  const text =
    bodies.get(`${detail.row.exchange} ${side}`) ??
    JSON.stringify({
      id: 88213,
      owner: 'chioma',
      stage: 'negotiation',
      amount: 125000.5,
      tags: ['q4', 'renewal'],
      notes: [],
    });
  return {
    contentType: 'application/json',
    codings: ['gzip'],
    text,
    head: Buffer.from(text).subarray(0, 16_384).toString('base64'),
    bytes: Buffer.byteLength(text),
    whole: message?.body.truncated === false,
    note: message?.body.truncated === true ? 'Only the beginning of the body was kept.' : null,
  };
}
