/**
 * One record in full: exchange, flow, body. Each look is a line in the trail before anything is answered. A body leaves
 * only as an attachment of unknown type, or as text inside JSON: never as a document a browser would render here.
 */
import type { Request, Response, Router } from 'express';
import { harEntry, harHead, harTail } from '../../../src/audit/export/har.ts';
import type { ExchangeDetail as StoredExchange, StoredBody } from '../../../src/audit/store/store.ts';
import { API } from '../../contract.ts';
import type { BodyPreview, ExchangeDetail, FlowDetail, RevealSide } from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps } from '../deps.ts';
import { exchangeIdParam, flowIdParam, notFound } from '../params.ts';
import { previewBody } from '../preview.ts';
import { exchangeDetail, flowDetail } from '../view.ts';

/** Exchanges listed with their flow; a keep-alive connection may have thousands, the rest is a search away. */
const MAX_EXCHANGES = 500;

export function detailRoutes(router: Router, deps: ConsoleDeps): void {
  const { audit, sessions, trail } = deps;

  function write(caller: Caller, action: string, detail: Record<string, unknown>): void {
    trail.append({ user: caller.session.user.name, address: caller.address, action, detail });
  }

  router.get(API.exchange, async (req, res) => {
    const caller = requireCaller(req, sessions, 'detail');
    const { id, flow, n } = exchangeIdParam(req);
    const found = await audit.exchange(id);
    if (found === null) throw notFound();
    const nextId = `${flow}.${n + 1}`;
    const [flowFound, next] = await Promise.all([audit.flow(flow, 1), audit.exchange(nextId)]);
    write(caller, 'exchange.viewed', { exchange: id, host: found.host });
    const opens = (side: RevealSide): boolean =>
      deps.reveals.forBody(caller.session.user.name, id, side) !== null;
    sendJson<ExchangeDetail>(res, {
      ...exchangeDetail(found, flowFound, next === null ? null : nextId),
      revealed: { req: opens('req'), res: opens('res') },
    });
  });

  router.get(API.flow, async (req, res) => {
    const caller = requireCaller(req, sessions, 'detail');
    const id = flowIdParam(req);
    const found = await audit.flow(id, MAX_EXCHANGES);
    if (found === null) throw notFound();
    write(caller, 'flow.viewed', { flow: id, host: found.record.facts?.host ?? null });
    sendJson<FlowDetail>(res, flowDetail(found, id));
  });

  router.get(API.har, async (req, res) => {
    const caller = requireCaller(req, sessions, 'export');
    requireCaller(req, sessions, 'body');
    const { id, flow } = exchangeIdParam(req);
    const exchange = await audit.exchange(id);
    if (exchange === null) throw notFound();
    const reveal = revealed(caller, id, 'both');
    const [reqBody, resBody, of] = await Promise.all([
      audit.body(id, 'req'),
      audit.body(id, 'res'),
      audit.flow(flow, 1),
    ]);
    const address = of?.record.kind === 'flow' ? of.record.originAddress : null;
    const entry = harEntry(exchange, { req: reqBody, res: resBody }, address);
    write(caller, 'exchange.exported', { exchange: id, host: exchange.host, format: 'har', reveal });
    attach(res, `sightglass-${id}.har`);
    res
      .status(200)
      .type('application/json')
      .send(`${harHead(deps.version)}${entry}${harTail(null)}`);
  });

  router.get(API.preview, async (req, res) => {
    const { caller, exchange, body, side, reveal } = await bodyOf(req);
    write(caller, 'body.viewed', { exchange: exchange.exchange, side, host: exchange.host, reveal });
    const preview = await previewBody(body.data, body.contentType, body.contentEncoding, {
      whole: !body.facts.truncated,
    });
    sendJson<BodyPreview>(res, preview);
  });

  router.get(API.body, async (req, res) => {
    const { caller, exchange, body, side, reveal } = await bodyOf(req);
    write(caller, 'body.downloaded', { exchange: exchange.exchange, side, host: exchange.host, reveal });
    // The name holds nothing a stranger wrote: ids are digits, lower-case letters, hyphen and dot.
    const cut = body.facts.truncated ? '-truncated' : '';
    attach(res, `sightglass-${exchange.exchange}-${side}${cut}.bin`);
    res.status(200).type('application/octet-stream').send(body.data);
  });

  async function bodyOf(req: Request): Promise<{
    caller: Caller;
    exchange: StoredExchange;
    body: StoredBody;
    side: 'req' | 'res';
    reveal: number;
  }> {
    const caller = requireCaller(req, sessions, 'body');
    const { id } = exchangeIdParam(req);
    const side = req.params['side'];
    if (side !== 'req' && side !== 'res') throw notFound();
    const [exchange, body] = await Promise.all([audit.exchange(id), audit.body(id, side)]);
    if (exchange === null) throw notFound();
    if (body === null)
      throw new ApiFailure(
        'not-found',
        'This body was not captured.',
        'The rule that decided captures no bodies, or the body was empty.',
      );
    return { caller, exchange, body, side, reveal: revealed(caller, id, side) };
  }

  /** Number of the reveal that opens a body to the caller. */
  function revealed(caller: Caller, id: string, side: RevealSide): number {
    const reveal = deps.reveals.forBody(caller.session.user.name, id, side);
    if (reveal === null) throw reasonNeeded();
    return reveal.id;
  }
}

export function reasonNeeded(): ApiFailure {
  return new ApiFailure(
    'reason-needed',
    'Bodies are shown to who says why.',
    'State a reason; it stands in the trail beside your name.',
  );
}

/** Make a browser save the answer instead of showing it. `name` must be a plain token. */
export function attach(res: Response, name: string): void {
  res.set('Content-Disposition', `attachment; filename="${name}"`).set('Cache-Control', 'no-store');
}
