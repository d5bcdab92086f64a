/**
 * The tokens of devices that poll lists (list-feed): all with their last use, a new one, an end to one. A token opens what
 * the policy says about names and the hosts seen in traffic, so who makes one may change the policy and see traffic. It is
 * told once and lands nowhere else; the trail has its name.
 */
import type { Request, Router } from 'express';
import { API } from '../../contract.ts';
import type { ListTokenMade, ListTokensView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps, ConsoleListTokens } from '../deps.ts';

export function listTokenRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;

  function tokensOf(): ConsoleListTokens {
    if (deps.listTokens !== undefined) return deps.listTokens;
    throw new ApiFailure(
      'unavailable',
      'This console has no tokens for lists.',
      'Use `sightglass lists token` on the machine of the service.',
    );
  }

  function enter(req: Request): Caller {
    const caller = requireCaller(req, sessions, 'policy-edit');
    requireCaller(req, sessions, 'search');
    return caller;
  }

  /** Does what is asked, with a line in the trail; refusals of the store become answers. */
  function change(
    req: Request,
    action: string,
    act: (tokens: ConsoleListTokens, name: string) => void,
  ): void {
    const caller = enter(req);
    requireCsrf(req, caller.token);
    const asked: unknown = (req.body as Record<string, unknown> | undefined)?.['name'];
    const name = typeof asked === 'string' ? asked : '';
    const tokens = tokensOf();
    const user = caller.session.user.name;
    // Before it is done: a token that the trail does not know must not exist.
    trail.append({ user, address: caller.address, action, detail: { token: name.slice(0, 100) } });
    try {
      act(tokens, name);
    } catch (error) {
      const { message, hint } = error as { message: string; hint?: unknown };
      if (typeof hint !== 'string') throw error;
      throw new ApiFailure('bad-request', `${message.charAt(0).toUpperCase()}${message.slice(1)}.`, hint);
    }
  }

  router.get(API.listTokens, (req, res) => {
    enter(req);
    const tokens = tokensOf()
      .list()
      .map(({ name, created, used }) => ({
        name,
        created: new Date(created).toISOString(),
        used: used === null ? null : new Date(used).toISOString(),
      }));
    sendJson<ListTokensView>(res, { tokens });
  });

  router.post(API.listTokens, (req, res) => {
    let made: ListTokenMade | null = null;
    change(req, 'list-token.made', (tokens, name) => {
      made = { name, token: tokens.add(name) };
    });
    sendJson<ListTokenMade | null>(res, made);
  });

  router.post(API.listTokenRevoke, (req, res) => {
    change(req, 'list-token.revoked', (tokens, name) => {
      tokens.revoke(name);
    });
    sendJson(res, {});
  });
}
