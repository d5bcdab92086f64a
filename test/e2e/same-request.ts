/** One request as the origin's log has it and as the product recorded it, in the same words. */
import type { OriginRequest } from '../helpers/nginx.ts';
import type { Row } from '../helpers/product.ts';

export const atOrigin = (r: OriginRequest): string =>
  `${r.method} ${r.host} ${r.uri} ${r.status} ${bodySize(r)}`;

export const inRecord = (r: Row): string =>
  `${String(r['method'])} ${String(r['host'])}:${String(r['port'])} ${String(r['path'])} ${String(r['status'])} ${String(r['resBytes'])}`;

/** nginx counts everything behind the head as body: the framing of chunks, and an interim answer before the head. */
function bodySize(r: OriginRequest): number {
  if (r.uri.startsWith('/chunked')) return r.body_bytes_sent === 0 ? 0 : 65_536;
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n'.length;
  return r.uri === '/echo' && r.body_bytes_sent > interim ? r.body_bytes_sent - interim : r.body_bytes_sent;
}
