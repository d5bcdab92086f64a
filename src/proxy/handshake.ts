/**
 * Waiting for one TLS handshake of ours, on either leg: it completes, fails, is hung up on, or the flow's deadline ends
 * it. What it negotiated comes back; a socket that failed is destroyed.
 */
import type { TLSSocket } from 'node:tls';
import type { TlsLeg } from '../core/facts.ts';
import type { Fault } from '../core/faults.ts';
import type { Flow } from './flow.ts';

export interface HandshakeWords {
  /** The event by which node tells that this side is done: servers say `secure`, clients `secureConnect`. */
  done: 'secure' | 'secureConnect';
  /** The fault for what node raised. */
  faultOf: (error: NodeJS.ErrnoException) => Fault;
  /** The fault for a peer that hangs up without a word. */
  hungUp: () => Fault;
}

/** The caller has set the flow's deadline. Rejects with a Fault. */
export function shakeHands(flow: Flow, tls: TLSSocket, words: HandshakeWords): Promise<TlsLeg> {
  // An error may strike between this handshake and the next owner's listeners; it comes with a close, which is seen.
  tls.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      tls.off(words.done, onDone);
      tls.off('error', onError);
      tls.off('_tlsError', onError);
      tls.off('end', onHungUp);
      tls.off('close', onHungUp);
      flow.onAbort = null;
      flow.expiresAt = Number.POSITIVE_INFINITY;
    };
    const fail = (fault: Fault): void => {
      leave();
      tls.destroy();
      reject(fault);
    };
    const onDone = (): void => {
      leave();
      resolve(negotiated(tls));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(words.faultOf(error));
    };
    const onHungUp = (): void => {
      fail(words.hungUp());
    };
    flow.onAbort = fail;
    tls.on(words.done, onDone);
    tls.on('error', onError);
    // Errors before the handshake is over come under this name on the server side.
    tls.on('_tlsError', onError);
    tls.on('end', onHungUp);
    tls.on('close', onHungUp);
  });
}

function negotiated(tls: TLSSocket): TlsLeg {
  return {
    version: tls.getProtocol() ?? '',
    cipher: tls.getCipher().standardName,
    alpn: tls.alpnProtocol === false ? null : (tls.alpnProtocol ?? null),
    resumed: tls.isSessionReused(),
  };
}
