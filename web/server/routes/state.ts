/**
 * The state of the installation: health, the policy in force, the certificate to deploy, the trail. Reading the policy and
 * the trail is itself a line in the trail; health is asked every few seconds by every open page and is not.
 */
import type { Router } from 'express';
import { API, CA_FORMATS } from '../../contract.ts';
import type { PolicyView, Status, TrailPage } from '../../contract.ts';
import { sendJson } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import { choiceParam, countParam, textParam } from '../params.ts';
import { attach } from './detail.ts';

export function stateRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;

  router.get(API.status, async (req, res) => {
    requireCaller(req, sessions, 'status', false);
    sendJson<Status>(res, await deps.status());
  });

  router.get(API.policy, async (req, res) => {
    const caller = requireCaller(req, sessions, 'policy');
    const view = await deps.policy.view();
    trail.append({
      user: caller.session.user.name,
      address: caller.address,
      action: 'policy.viewed',
      detail: { version: view.version },
    });
    sendJson<PolicyView>(res, view);
  });

  // The certificate is public by nature; it still needs a session, since clients get it from the setup site.
  router.get(API.ca, async (req, res) => {
    const caller = requireCaller(req, sessions, null);
    const format = choiceParam(req, 'format', CA_FORMATS, 'pem');
    const certificate = await deps.authority.certificate(format);
    trail.append({
      user: caller.session.user.name,
      address: caller.address,
      action: 'ca.downloaded',
      detail: { format },
    });
    attach(res, format === 'pem' ? 'sightglass-ca.pem' : 'sightglass-ca.cer');
    res
      .status(200)
      .type(format === 'pem' ? 'application/x-pem-file' : 'application/pkix-cert')
      .send(certificate);
  });

  router.get(API.trail, (req, res) => {
    const caller = requireCaller(req, sessions, 'trail');
    const limit = countParam(req, 'limit', 100, 1, 500);
    const cursor = textParam(req, 'cursor');
    if (cursor === null)
      trail.append({ user: caller.session.user.name, address: caller.address, action: 'trail.viewed' });
    sendJson<TrailPage>(res, trail.page(cursor, limit));
  });
}
