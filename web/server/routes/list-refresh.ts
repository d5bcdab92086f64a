/** A fetched or learned list looked at now instead of when its time comes; one that a rollback holds is let go with it. */
import type { Router } from 'express';
import { API } from '../../contract.ts';
import type { ListFetchAnswer } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import { workOf } from '../policy-work.ts';
import { copyOf } from './lists.ts';

export function listRefreshRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;
  const now = deps.now ?? Date.now;

  router.post(API.listFetch, async (req, res) => {
    const caller = requireCaller(req, sessions, 'policy-edit');
    requireCsrf(req, caller.token);
    const work = workOf(deps);
    const asked: unknown = (req.body as Record<string, unknown> | undefined)?.['list'];
    const list = typeof asked === 'string' ? asked : '';
    const { lists } = work.store.loaded().document;
    const source = Object.hasOwn(lists, list) ? lists[list] : undefined;
    if (source === undefined || (source.kind !== 'url' && source.kind !== 'learned'))
      throw new ApiFailure(
        'not-found',
        `The policy has no list "${list.slice(0, 64)}" that is fetched or learned.`,
        'Reload the page; the policy may have changed.',
      );
    const user = caller.session.user.name;
    const told = { user, address: caller.address, detail: { list } };
    trail.append({ ...told, action: 'list.fetch' });
    await work.refresh(list);
    await work.store.reload();
    const copy = await copyOf(source, work.copies, now());
    // A list of one of these two kinds always has one.
    if (copy === null) throw new Error(`no copy of ${list}`);
    sendJson<ListFetchAnswer>(res, { list, copy });
  });
}
