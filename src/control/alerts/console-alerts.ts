/** Alert rules as the console sees and changes them (web/server/deps.ts). */
import { isoTime } from '../../audit/export/lines.ts';
import { alertRule } from './rule.ts';
import type { ConsoleAlerts } from '../../../web/server/deps.ts';
import type { Streams } from '../streams/streams.ts';
import type { AlertShelf } from './shelf.ts';

export function consoleAlerts(
  shelf: AlertShelf,
  streams: Pick<Streams, 'testAlert'>,
  mail: boolean,
  now: () => number = Date.now,
): ConsoleAlerts {
  return {
    mail,
    list: () =>
      shelf.list().map(({ id, rule, state }) => ({
        id,
        rule,
        fired: state.fired,
        lastFired: state.lastFired === null ? null : isoTime(state.lastFired),
        pending: state.pending.length,
        failed: state.failed,
        lastError: state.lastError,
      })),
    add: given => shelf.add(alertRule(given, now())),
    change: (id, given) => shelf.change(id, alertRule(given, now())),
    remove: id => shelf.remove(id),
    test: id => streams.testAlert(id),
  };
}
