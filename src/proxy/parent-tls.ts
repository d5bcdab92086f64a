/**
 * TLS to a parent proxy itself (`https://` members), under everything that is then said to it. Verified as origins are: chain
 * and dates by node, names only in the SAN, key sizes, never our own authority (verify.ts). A certificate that is
 * refused is its own fault, so that it can be told from a machine that is down.
 */
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { Fault } from '../core/faults.ts';
import type { DialOptions } from './dial.ts';
import { startVerifiedTls } from './verified-tls.ts';
import { originTlsFault } from './verify.ts';

export interface ParentTrust {
  /** What is offered, and whom we believe. */
  context: () => SecureContext;
  /** Fingerprints of our own authorities. */
  ownCas: ReadonlySet<string>;
}

/**
 * Completes TLS with the parent at the other end of `tcp`, which must prove `host` (canonical). Rejects with
 * parent-untrusted, parent-unreachable, or what cancelled it; `tcp` is gone then.
 */
export function secureParent(
  tcp: Socket,
  host: string,
  trust: ParentTrust,
  onCancellable: DialOptions['onCancellable'],
): Promise<TLSSocket> {
  const tls = startVerifiedTls(tcp, {
    name: host,
    secureContext: trust.context(),
    ownCas: trust.ownCas,
    alpn: ['http/1.1'],
  });
  // An error may strike after this handshake and before the next owner listens; it comes with a close, which is seen.
  tls.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      tls.off('secureConnect', onSecure);
      tls.off('error', onError);
      tls.off('end', onHungUp);
      tls.off('close', onHungUp);
      onCancellable(null);
    };
    const fail = (fault: Fault): void => {
      leave();
      tls.destroy();
      reject(fault);
    };
    const onSecure = (): void => {
      leave();
      resolve(tls);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const found = originTlsFault(error);
      const words = found.detail === null ? found.code : `${found.code}, ${found.detail}`;
      fail(new Fault(found.code.startsWith('cert-') ? 'parent-untrusted' : 'parent-unreachable', words));
    };
    const onHungUp = (): void => {
      fail(new Fault('parent-unreachable', 'connection closed during the TLS handshake'));
    };
    tls.on('secureConnect', onSecure);
    tls.on('error', onError);
    tls.on('end', onHungUp);
    tls.on('close', onHungUp);
    onCancellable(fail);
  });
}
