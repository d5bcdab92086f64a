/** Records and holds of the fake console, in the shapes of the contract, hostile texts included. */
import type { HoldRequest, RecordsView } from '../../../web/contract.ts';

const HOSTILE = '<img src=x onerror=alert(1)>\u202e\u001b[31m';
const day = (n: number): string => `2026-11-${String(n).padStart(2, '0')}`;

export class FakeRecords {
  readonly changes: { path: string; body: unknown }[] = [];
  view: RecordsView = { days: [], holds: [] };

  /** Three days, and a hold of somebody with a hostile reason. */
  fill(): void {
    this.view = {
      days: [20, 19, 18].map((n, at) => ({
        ...{ day: day(n), exchanges: 48_211 * (at + 1), flows: 9_120, events: 41, bytes: 31_000_000 },
        ...{ sealed: at > 0, attached: at === 2, holds: at === 2 ? [1] : [] },
      })),
      holds: [
        {
          ...{ id: 1, first: day(1), last: day(18), reason: `case 4711 ${HOSTILE}`, by: 'root' },
          ...{ created: '2026-11-19T10:00:00.000Z', lifted: null, liftedBy: null },
        },
      ],
    };
  }

  get(path: string): RecordsView | null {
    return path === '/api/records' ? this.view : null;
  }

  /** The answer to a change, which is remembered. */
  post(path: string, body: unknown): unknown {
    this.changes.push({ path, body });
    const now = '2026-11-20T12:00:00.000Z';
    if (path !== '/api/holds') {
      for (const hold of this.view.holds) Object.assign(hold, { lifted: now, liftedBy: 'alice.auditor' });
      for (const one of this.view.days ?? []) one.holds = [];
      return {};
    }
    const { first, last, reason } = body as HoldRequest;
    const hold = {
      id: 2,
      first,
      last,
      reason,
      by: 'alice.auditor',
      created: now,
      lifted: null,
      liftedBy: null,
    };
    this.view.holds = [hold, ...this.view.holds];
    for (const one of this.view.days ?? []) if (first <= one.day && one.day <= last) one.holds.push(2);
    return hold;
  }
}
