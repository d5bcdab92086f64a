/**
 * Where records go besides the store, and the alert rules. Streams are named in a file by whoever runs the service and only shown
 * here; alert rules are made, changed, tested and deleted by everybody who may export, since a rule sends out what it finds.
 * Each of these is a line in the trail before it is done; a secret is never written there.
 */
import type { Request, Router } from 'express';
import { API } from '../../contract.ts';
import type { AlertAdded, AlertsView, AlertTested, StreamsView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleAlerts, ConsoleDeps } from '../deps.ts';

const NO_STREAMS: StreamsView = { file: '', problem: null, streams: [] };

export function streamRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;

  function enter(req: Request): { caller: Caller; alerts: ConsoleAlerts } {
    const caller = requireCaller(req, sessions, 'export');
    requireCsrf(req, caller.token);
    if (deps.alerts === undefined)
      throw new ApiFailure(
        'unavailable',
        'This console has no alert rules.',
        'Use the console of the service.',
      );
    return { caller, alerts: deps.alerts };
  }

  function write(caller: Caller, action: string, detail: Record<string, unknown>): void {
    trail.append({ user: caller.session.user.name, address: caller.address, action, detail });
  }

  router.get(API.streams, (req, res) => {
    requireCaller(req, sessions, 'status', false);
    sendJson<StreamsView>(res, deps.streams?.view() ?? NO_STREAMS);
  });

  router.get(API.alerts, (req, res) => {
    requireCaller(req, sessions, 'export');
    sendJson<AlertsView>(res, {
      alerts: deps.alerts?.list() ?? [],
      mail: deps.alerts?.mail ?? false,
      streams: deps.streams?.view().streams.map(({ name }) => name) ?? [],
    });
  });

  router.post(API.alerts, (req, res) => {
    const { caller, alerts } = enter(req);
    const added = usable(() => alerts.add(req.body));
    const stored = alerts.list().find(({ id }) => id === added.id);
    try {
      write(caller, 'alert.made', { id: added.id, rule: stored?.rule });
    } catch (error) {
      // What cannot be written into the trail is not done.
      alerts.remove(added.id);
      throw error;
    }
    sendJson<AlertAdded>(res, added);
  });

  router.post(API.alert, (req, res) => {
    const { caller, alerts } = enter(req);
    const id = idOf(req);
    const before = ruleOf(alerts, id);
    write(caller, 'alert.changed', { id, from: before, to: req.body as unknown });
    if (!usable(() => alerts.change(id, req.body))) throw unknown();
    sendJson(res, {});
  });

  router.post(API.alertRemove, (req, res) => {
    const { caller, alerts } = enter(req);
    const id = idOf(req);
    write(caller, 'alert.deleted', { id, rule: ruleOf(alerts, id) });
    if (!alerts.remove(id)) throw unknown();
    sendJson(res, {});
  });

  router.post(API.alertTest, async (req, res) => {
    const { caller, alerts } = enter(req);
    const id = idOf(req);
    write(caller, 'alert.tested', { id, alert: ruleOf(alerts, id).name });
    sendJson<AlertTested>(res, { error: await alerts.test(id) });
  });
}

function idOf(req: Request): number {
  const { id } = req.params;
  if (typeof id !== 'string' || !/^[1-9]\d{0,8}$/.test(id)) throw unknown();
  return Number(id);
}

function ruleOf(alerts: ConsoleAlerts, id: number) {
  const found = alerts.list().find(alert => alert.id === id);
  if (found === undefined) throw unknown();
  return found.rule;
}

const unknown = (): ApiFailure =>
  new ApiFailure(
    'not-found',
    'There is no such alert rule.',
    'Somebody may have deleted it; reload the page.',
  );

/** A rule that cannot be used is the caller's business, with the reason and the hint. */
function usable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const hint = error instanceof Error ? (error as { hint?: unknown }).hint : undefined;
    if (error instanceof Error && typeof hint === 'string')
      throw new ApiFailure('bad-request', error.message, hint);
    throw error;
  }
}
