/** Reveals of the fake console: open at once, or after somebody else agreed; with a hostile reason of somebody else. */
import type { RevealRow, RevealsView } from '../../../web/contract.ts';

export class FakeReveals {
  /** Bodies want a reason. Off, so that tests of other things see them at once. */
  wanted = false;
  view: RevealsView = { secondPerson: false, own: [], waiting: [] };

  /** Somebody else asks. */
  fill(): void {
    this.view.waiting = [
      {
        ...this.#row({ exchange: '1a-3.2', side: 'res', host: 'bank.example' }, 'complaint of the customer'),
        ...{
          id: 7,
          user: 'bob',
          reason: 'complaint <img src=x onerror=alert(1)>\u202e',
          state: 'waiting',
          case: '4711',
        },
      },
    ];
  }

  opens(id: string, side: string): boolean {
    return (
      !this.wanted ||
      this.view.own.some(
        ({ state, what }) =>
          state === 'open' &&
          'exchange' in what &&
          what.exchange === id &&
          (what.side === side || what.side === 'both'),
      )
    );
  }

  /** Somebody else agrees to all that waits. */
  agree(): void {
    for (const row of this.view.own) Object.assign(row, { state: 'open', decidedBy: 'bob' });
  }

  get(path: string): RevealsView | null {
    return path === '/api/reveals' ? this.view : null;
  }

  post(path: string, params: URLSearchParams, body: Record<string, string>): RevealRow {
    if (path.endsWith('/decide')) {
      const [row] = this.view.waiting;
      this.view.waiting = [];
      return { ...(row as RevealRow), state: body['decision'] === 'approve' ? 'open' : 'denied' };
    }
    const { exchange = '', side = 'both', reason = '' } = body;
    const what = path.endsWith('/export')
      ? { q: params.get('q') ?? '', since: null, until: '2026-11-20T12:00:00.000Z' }
      : { exchange, side: side as 'both', host: 'api.example' };
    const row = this.#row(what, reason);
    this.view.own.unshift(row);
    return row;
  }

  #row(what: RevealRow['what'], reason: string): RevealRow {
    return {
      ...{ id: this.view.own.length + 1, user: 'alice.auditor', what, reason, case: '', decidedBy: null },
      created: '2026-11-20T12:00:00.000Z',
      state: this.view.secondPerson ? 'waiting' : 'open',
      until: '2026-11-20T12:15:00.000Z',
    };
  }
}
