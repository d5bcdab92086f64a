/**
 * `fetch` for the few requests to a provider of identities, over node:https: the built-in one cannot be told which
 * authorities to trust, and a company's provider often has a certificate of its own authority.
 *
 * It asks https only, follows nothing, keeps no connection, takes ten seconds at most and a megabyte. Not for anything else.
 */
import { request } from 'node:https';

const LIMIT_MS = 10_000;
const LIMIT_BYTES = 1024 * 1024;

export interface Asked {
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  body?: unknown;
}

/** `ca`: PEM certificates that the provider is verified against. */
export function httpsFetch(ca: readonly string[], limitMs = LIMIT_MS) {
  return (url: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Response> =>
    new Promise((resolve, reject) => {
      const sent = body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : '';
      const req = request(
        url,
        {
          method,
          headers: { ...headers, ...(sent === '' ? {} : { 'content-length': Buffer.byteLength(sent) }) },
          ca: [...ca],
          agent: false,
          signal: AbortSignal.timeout(limitMs),
        },
        res => {
          const chunks: Buffer[] = [];
          let size = 0;
          res.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > LIMIT_BYTES) res.destroy(new Error('the answer is larger than a megabyte'));
            else chunks.push(chunk);
          });
          res.on('error', reject);
          res.on('end', () => {
            const status = res.statusCode ?? 502;
            const answer = new Headers();
            for (const [name, value] of Object.entries(res.headers))
              if (value !== undefined) answer.set(name, Array.isArray(value) ? value.join(', ') : value);
            const none = status === 204 || status === 304;
            resolve(new Response(none ? null : Buffer.concat(chunks), { status, headers: answer }));
          });
        },
      );
      req.on('error', reject);
      req.end(sent);
    });
}
