/**
 * The client's side of TLS as it is begun everywhere in the house: with origins, with parents, by the doctor. Node verifies
 * chain and dates, verify.ts the rest, and nothing can be asked for that trusts more than this.
 *
 * It begins the handshake; whoever asked waits for `secureConnect` or the error, sets the time it may take, and owns
 * the socket. What goes wrong arrives as an error that `originTlsFault` reads; a certificate that we refused as its Fault.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import { Fault } from '../core/faults.ts';
import { BUFFERS } from './buffers.ts';
import { refuseCertificate } from './verify.ts';

export interface VerifiedTls {
  /** Canonical name or address that the peer must prove. */
  name: string;
  /** What is offered, and whom we believe. */
  secureContext: SecureContext;
  /** Fingerprints of our own authorities, which must not stand above a peer. */
  ownCas: ReadonlySet<string>;
  /** Protocols to offer, best first; none leaves the extension out. */
  alpn: readonly string[];
  /** Told what the peer showed before it is judged, also when its chain failed. What it throws refuses the certificate. */
  onShown?: (certificate: DetailedPeerCertificate) => void;
}

/** Begin TLS on a connected socket. Never throws for what the peer sends. */
export function startVerifiedTls(tcp: Socket, wanted: VerifiedTls): TLSSocket {
  const { name, secureContext, ownCas, alpn, onShown } = wanted;
  const tls = connect({
    socket: tcp,
    ...BUFFERS,
    secureContext,
    // RFC 6066 §3: no IP literals in SNI.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: true,
    checkServerIdentity: (_name, cert) => {
      // Node calls this from an event: what it throws would end the process, whatever certificate made it throw.
      try {
        const certificate = cert as DetailedPeerCertificate;
        onShown?.(certificate);
        return refuseCertificate(name, certificate, ownCas) ?? undefined;
      } catch (e) {
        return new Fault('cert-invalid', e instanceof Error ? e.message : String(e));
      }
    },
    ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
  });
  // When the chain fails, node lets the connection go before it tells us: what was shown must be kept before that.
  if (onShown !== undefined)
    tls.prependOnceListener('secure', () => {
      if (!chainFailed(tls)) return;
      try {
        onShown(tls.getPeerCertificate(true));
      } catch {
        // A certificate that cannot even be read shows nothing; its fault says the rest.
      }
    });
  return tls;
}

/** Asked of node's handle, because a second look at every good certificate would cost 55 µs a connection. */
function chainFailed(tls: TLSSocket): boolean {
  const { ssl } = tls as TLSSocket & { ssl?: { verifyError?: () => unknown } | null };
  return typeof ssl?.verifyError !== 'function' || Boolean(ssl.verifyError());
}
