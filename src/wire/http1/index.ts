/**
 * HTTP/1.1, sans I/O: octets to events (`RequestReader`, `ResponseReader`), heads to octets (`serialize…`). The rest
 * of this folder is how. It never opens, reads or times anything, never repairs a message, and knows no policy.
 */
export { INTERCEPTED_REPLY_DROPS } from './hop-by-hop.ts';
export { DEFAULT_LIMITS } from './limits.ts';
export type { Http1Limits } from './limits.ts';
export type {
  Field,
  Framing,
  Http1Event,
  MalformedCode,
  MalformedEvent,
  RequestHead,
  ResponseHead,
  Version,
} from './message.ts';
export { RequestReader } from './request-reader.ts';
export { ResponseReader } from './response-reader.ts';
export {
  END_OF_CHUNKS,
  LAST_CHUNK,
  chunkPrefix,
  serializeRequest,
  serializeResponse,
  serializeTrailers,
} from './serialize.ts';
export type { SerializeRequest, SerializeResponse } from './serialize.ts';
export { splitAbsolute } from './target.ts';
export type { AbsoluteTarget } from './target.ts';
