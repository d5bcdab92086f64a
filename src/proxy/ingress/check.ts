/**
 * The check host: a name that exists only inside the proxy. Who asks for it by CONNECT gets TLS under a leaf of the authority
 * (or, under `next.` and its name, of the one that will follow) and then the pages of the setup site; so a request that
 * arrives here proves that its device uses the proxy and trusts that root. No origin is dialled and no policy asked: the
 * flow's row has no verdict, a leaf, and no fault exactly when a request came (audit/uptake counts on that).
 */
import type { TLSSocket } from 'node:tls';
import { Fault } from '../../core/faults.ts';
import { RequestReader, type RequestHead } from '../../wire/http1/index.ts';
import { acceptClientTls, clientTlsFault } from '../client-tls.ts';
import type { Flow } from '../flow.ts';
import { limitsOf } from '../way.ts';
import type { Target } from './http.ts';
import { answerTo } from './setup-site.ts';

/** Which root a target of CONNECT asks to be checked; null when it is no check host. */
export function checkedRoot(flow: Flow, target: Target): 'trusted' | 'next' | null {
  const host = flow.ctx.settings['setup.check-host'];
  if (target.port !== 443) return null;
  if (target.host === host) return 'trusted';
  return target.host === `next.${host}` ? 'next' : null;
}

/** TLS with the client, one answer, the end. Rejects with the fault that ended it; `flow.facts` hold the hello. */
export async function serveCheck(flow: Flow, trust: 'trusted' | 'next'): Promise<void> {
  const { facts } = flow;
  const name = facts?.host ?? '';
  if (facts?.hello?.sni !== name)
    throw new Fault('client-tls-failed', 'the check answers to its own name only');
  const leaf = await flow.ctx.leaves.get(name, 'name', trust, null);
  const tls = await acceptClientTls(flow, leaf, facts.hello.alpn.includes('http/1.1') ? 'http/1.1' : null);
  const head = await readHead(flow, tls);
  flow.expiresAt = Number.POSITIVE_INFINITY;
  tls.write(answerTo(flow, head));
  // Ends it when the answer is out: a client that stays would hold the connection.
  tls.destroySoon();
  await new Promise<void>(resolve => tls.once('close', () => resolve()));
}

/** One request head. A TLS 1.3 client says only now what it thinks of the leaf. */
function readHead(flow: Flow, tls: TLSSocket): Promise<RequestHead> {
  const reader = new RequestReader(limitsOf(flow.ctx));
  flow.deadline(flow.ctx.settings['timeout.ingress'], 'ingress-timeout');
  return new Promise((resolve, reject) => {
    const fail = (fault: Fault): void => {
      flow.onAbort = null;
      tls.destroy();
      reject(fault);
    };
    flow.onAbort = fail;
    // Stays: an error after the answer has no other listener.
    tls.on('error', (error: Error) => fail(clientTlsFault(error)));
    const gone = (): void => fail(new Fault('ingress-closed'));
    tls.once('end', gone);
    tls.once('close', gone);
    tls.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      const event = reader.next();
      if (event.kind === 'malformed') fail(new Fault(event.code, event.reason));
      if (event.kind !== 'head') return;
      flow.onAbort = null;
      tls.removeAllListeners('data');
      tls.off('end', gone);
      tls.off('close', gone);
      resolve(event.head);
    });
  });
}
