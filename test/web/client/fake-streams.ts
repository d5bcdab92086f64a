/** Streams and alerts of the fake console: made-up answers in the shapes of the contract, hostile texts included. */
import type { AlertRow, AlertRule, AlertsView, StreamsView } from '../../../web/contract.ts';

const HOSTILE = '<img src=x onerror=alert(1)>\u202e\u001b[31m';

export class FakeStreams {
  readonly changes: { path: string; body: unknown }[] = [];
  view: StreamsView = { file: '/var/lib/sightglass/streams.yaml', problem: null, streams: [] };
  rows: AlertRow[] = [];

  /** Something to see: a stream that is well, one that is not, and an alert that fired. */
  fill(now = Date.now()): void {
    const ago = (ms: number): string => new Date(now - ms).toISOString();
    const well = { lagRows: 0, lagMs: 0, dropped: 0, refused: 0, error: null, nextTry: null } as const;
    this.view.problem = `line 9, column 3: unknown key "formt" ${HOSTILE}`;
    this.view.streams = [
      {
        ...well,
        name: 'siem',
        to: 'syslog-tls',
        target: 'logs.example.com:6514',
        format: 'cef',
        state: 'waiting',
        sent: 81_234,
        lastSent: ago(2000),
      },
      {
        ...{
          name: 'splunk',
          to: 'splunk-hec',
          target: 'https://splunk.example.com:8088',
          format: 'json',
          state: 'failing',
        },
        ...{ lagRows: 4711, lagMs: 340_000, sent: 12, dropped: 3, refused: 1, lastSent: ago(340_000) },
        ...{ error: `the receiver answers 503: ${HOSTILE}`, nextTry: ago(-30_000) },
      },
    ];
    this.rows = [
      {
        id: 7,
        rule: rule(),
        fired: 3,
        lastFired: ago(60_000),
        pending: 1,
        failed: 2,
        lastError: `webhook: ${HOSTILE}`,
      },
    ];
  }

  get(path: string): StreamsView | AlertsView | null {
    if (path === '/api/streams') return this.view;
    if (path !== '/api/alerts') return null;
    return { alerts: this.rows, mail: true, streams: this.view.streams.map(({ name }) => name) };
  }

  post(path: string, body: unknown): unknown {
    this.changes.push({ path, body });
    if (path === '/api/alerts') {
      this.rows = [
        ...this.rows,
        { id: 8, rule: body as AlertRule, fired: 0, lastFired: null, pending: 0, failed: 0, lastError: null },
      ];
      return { id: 8, secret: 'shown-once' };
    }
    if (path.endsWith('/test')) return { error: null };
    if (path.endsWith('/remove')) this.rows = [];
    return {};
  }
}

const rule = (): AlertRule => ({
  name: `many blocks ${HOSTILE}`,
  kind: 'flows',
  query: `verdict:block "${HOSTILE}"`,
  threshold: 20,
  windowMs: 300_000,
  groupBy: 'client',
  coolDownMs: 3_600_000,
  deliver: [{ to: 'webhook', url: 'https://hooks.example.com/' }],
  enabled: false,
});
