/**
 * TLS with the client under a minted leaf. The hello that was peeked at is still unread in the socket and is read
 * again by the TLS stack, so both saw the same bytes (requirement H: parser and stack cannot disagree unnoticed: a
 * server name that differs ends the connection).
 */
import { TLSSocket } from 'node:tls';
import { canonicalHost } from '../core/host-name.ts';
import { Fault } from '../core/faults.ts';
import { BUFFERS } from './buffers.ts';
import type { Flow } from './flow.ts';
import { shakeHands } from './handshake.ts';
import type { LeafContext } from './leaf-contexts.ts';

/** Completes the handshake; rejects with client-tls-failed, client-rejected-leaf or client-tls-timeout. */
export async function acceptClientTls(
  flow: Flow,
  leaf: LeafContext,
  alpn: string | null,
): Promise<TLSSocket> {
  flow.leafSerial = leaf.serial;
  flow.deadline(flow.ctx.settings['timeout.client-tls'], 'client-tls-timeout');
  const tls = new TLSSocket(flow.socket, {
    isServer: true,
    secureContext: leaf.context,
    requestCert: false,
    ...BUFFERS,
    ...(alpn === null ? {} : { ALPNProtocols: [alpn] }),
  });
  flow.clientTls = await shakeHands(flow, tls, {
    done: 'secure',
    faultOf: clientTlsFault,
    // Many clients reject a certificate by hanging up without an alert.
    hungUp: () => new Fault('client-rejected-leaf', 'connection closed during the handshake'),
  });
  const seen = serverNameOf(tls);
  if (seen !== null && seen !== (flow.facts?.hello?.sni ?? null)) {
    tls.destroy();
    throw new Fault('client-tls-failed', 'server name differs between parser and TLS stack');
  }
  return tls;
}

/** The name that OpenSSL read, canonical; null when it saw none (or an IP literal, which is no SNI). */
function serverNameOf(tls: TLSSocket): string | null {
  const raw: unknown = (tls as TLSSocket & { servername?: unknown }).servername;
  if (typeof raw !== 'string' || raw === '') return null;
  const host = canonicalHost(raw);
  return host.kind === 'name' ? host.name : null;
}

/** Alerts with which clients say that they do not trust the leaf (RFC 8446 §6.2). */
const REJECTIONS =
  /unknown.?ca|bad.?certificate|certificate.?unknown|certificate.?expired|unsupported.?certificate|certificate.?revoked|access.?denied/i;

/** Also used by the relay: a TLS 1.3 client's alert about the leaf arrives only after our side has finished. */
export function clientTlsFault(error: NodeJS.ErrnoException): Fault {
  const words = `${error.code ?? ''} ${error.message}`;
  const detail = error.code ?? error.message.slice(0, 200);
  if (REJECTIONS.test(words)) return new Fault('client-rejected-leaf', detail);
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    return new Fault('client-rejected-leaf', 'reset during the handshake');
  return new Fault('client-tls-failed', detail);
}
