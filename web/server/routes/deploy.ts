/**
 * The Deploy page: the roots clients must trust, the steps of every platform, the kit as a zip. Made from certificates in the
 * authority's folder on every request, so a rotation that began on the command line shows at once. Everything here is public
 * by nature; a session is needed because visitors get theirs from the setup site. A download is a line in the trail.
 */
import type { Request, Router } from 'express';
import { kitGuides, buildKit } from '../../../ca/kits/kit.ts';
import { fixedProxy, pacProxy, planKit } from '../../../ca/kits/plan.ts';
import type { KitOptions, ProxyChoice } from '../../../ca/kits/plan.ts';
import { KitRefusal } from '../../../ca/kits/refusal.ts';
import { zipKit } from '../../../ca/kits/zip.ts';
import { describeLife } from '../../../ca/life.ts';
import type { CertificateFacts } from '../../../ca/life.ts';
import { AuthorityRefusal } from '../../../ca/refusal.ts';
import { deployableRoots } from '../../../ca/roots.ts';
import { API } from '../../contract.ts';
import type { DeployRoot, DeployView } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { ConsoleDeployment, ConsoleDeps } from '../deps.ts';
import { textParam } from '../params.ts';
import { attach } from './detail.ts';

export function deployRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;
  const now = deps.now ?? Date.now;
  const deployment = (): ConsoleDeployment => {
    if (deps.deployment !== undefined) return deps.deployment;
    throw new ApiFailure(
      'not-found',
      'This console has nothing to deploy.',
      'Look at the one of the proxy itself.',
    );
  };
  const options = (req: Request): KitOptions => ({
    ...deployableRoots(deployment().dir),
    proxy: proxyParam(req),
    time: now(),
  });

  router.get(API.deploy, (req, res) => {
    requireCaller(req, sessions, null);
    const view = told((): DeployView => {
      const life = describeLife(deployment().dir);
      return {
        kind: life.kind,
        state: life.state,
        roots: life.roots.map(root => rootOf(root, root.role)),
        retired: life.retired.map(root => rootOf(root, 'retired')),
        suggestions: deployment().suggestions(),
        guides: kitGuides(planKit(options(req))),
      };
    });
    sendJson<DeployView>(res, view);
  });

  router.get(API.deployKit, (req, res) => {
    const caller = requireCaller(req, sessions, null);
    const { kit, proxy } = told(() => {
      const asked = options(req);
      return { kit: zipKit(buildKit(asked)), proxy: asked.proxy };
    });
    trail.append({
      user: caller.session.user.name,
      address: caller.address,
      action: 'kit.downloaded',
      detail: { proxy: proxy?.kind ?? 'none' },
    });
    attach(res, 'sightglass-kit.zip');
    res.status(200).type('application/zip').send(Buffer.from(kit));
  });
}

/** Refusals of the authority and of the kit are for the reader: their sentences hold no key and no path of a key. */
function told<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof KitRefusal) throw new ApiFailure('bad-request', `${error.message}.`, error.hint);
    if (error instanceof AuthorityRefusal)
      throw new ApiFailure(
        'unavailable',
        'The certificates of the authority cannot be read now.',
        'sightglass ca show on the machine of the service says why.',
      );
    throw error;
  }
}

function proxyParam(req: Request): ProxyChoice | null {
  const proxy = textParam(req, 'proxy');
  const pac = textParam(req, 'pac', 1000);
  const bypass = textParam(req, 'bypass', 2000);
  if (proxy !== null && pac !== null)
    throw new ApiFailure('bad-request', 'Either an address or a PAC file.', 'Leave one of the two out.');
  return told(() => {
    if (pac !== null) return pacProxy(pac);
    return proxy === null
      ? null
      : fixedProxy(proxy, bypass === null ? [] : bypass.split(/[\s,]+/).filter(Boolean));
  });
}

const rootOf = (root: CertificateFacts, role: DeployRoot['role']): DeployRoot => ({
  role,
  subject: root.subject,
  sha256: root.sha256,
  sha1: root.sha1,
  notBefore: root.notBefore,
  notAfter: root.notAfter,
});
