/**
 * How one message is written to the other leg: which framing, which persistence, what may be sent again. Decisions
 * about single messages, with no state; `h1.ts` applies them.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import {
  INTERCEPTED_REPLY_DROPS,
  LAST_CHUNK,
  chunkPrefix,
  serializeResponse,
  serializeTrailers,
  type Field,
  type RequestHead,
  type ResponseHead,
} from '../../wire/http1/index.ts';
import type { Turn } from '../turn.ts';
import type { LiveExchange } from './exchange.ts';
import type { OriginLink } from './side.ts';

const CRLF = '\r\n';

/** How a final response goes to the client. */
export interface ResponsePlan {
  /** Head to write, latin1. */
  text: string;
  /** The body is framed in chunks. */
  chunked: boolean;
  /** The client's connection ends with this response. */
  last: boolean;
}

/**
 * An HTTP/1.0 client knows no chunks: its answer ends with the connection. `persist` is false when the relay wants the
 * connection to end anyway.
 */
export function planResponse(request: RequestHead, response: ResponseHead, persist: boolean): ResponsePlan {
  const old = request.version === '1.0';
  const { kind } = response.framing;
  const chunked = kind === 'chunked' && !old;
  const untilClose = kind === 'until-close' || (kind === 'chunked' && old);
  const keepAlive = persist && request.keepAlive && !untilClose;
  const options = { keepAlive, chunked, peer: request.version, drop: INTERCEPTED_REPLY_DROPS };
  return { text: serializeResponse(response, options), chunked, last: !keepAlive };
}

/** An interim head as the client may see it; null for HTTP/1.0, which knows none (RFC 9110 §15.2). */
export function interimHead(request: RequestHead, response: ResponseHead): string | null {
  return request.version === '1.0' ? null : switchingHead(response);
}

/** The head of a 101, or of another interim response. */
export function switchingHead(response: ResponseHead): string {
  return serializeResponse(response, { keepAlive: true, chunked: false, drop: INTERCEPTED_REPLY_DROPS });
}

/**
 * Ends a connection in the middle of a response so that the client cannot take it for the end: a body that lasts until
 * the close is whole after a FIN, but not after a reset (requirement D3). A length or chunks tell by themselves, TLS by
 * the missing close_notify; those keep what is still on its way.
 */
export function cutOff(socket: Duplex, exchange: LiveExchange): void {
  const selfDelimited = exchange.chunkedOut || exchange.response?.framing.kind === 'length';
  if (!selfDelimited && socket instanceof Socket && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
}

/** Writes body octets; false when the socket wants to drain first. */
export function writeBody(turn: Turn, socket: Duplex, data: Buffer, chunked: boolean): boolean {
  if (!chunked) return turn.write(socket, data);
  turn.write(socket, chunkPrefix(data.length));
  turn.write(socket, data);
  return turn.write(socket, CRLF);
}

/** Last chunk, trailers and the closing line. */
export function endOfChunks(trailers: readonly Field[]): string {
  return LAST_CHUNK + serializeTrailers(trailers) + CRLF;
}

/** HTTP/2 over cleartext would take the exchanges out of sight; anything else is carried as bytes and counted. */
export function mayUpgrade(head: RequestHead): boolean {
  return head.upgrade !== null && head.upgrade.toLowerCase() !== 'h2c';
}

/** Requests that may be sent a second time when a kept-alive origin closed under them (RFC 9110 §9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** True when the origin closed an idle connection just as the request went out, and asking again cannot do harm. */
export function mayRepeat(exchange: LiveExchange, origin: OriginLink): boolean {
  const untouched = origin.used > 0 && origin.reader.idle && exchange.response === null && !exchange.repeated;
  return untouched && exchange.requestDone && exchange.bodyless && REPEATABLE.has(exchange.head.method);
}
