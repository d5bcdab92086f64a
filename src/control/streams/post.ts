/**
 * One POST over verified TLS and the whole answer, bounded in bytes and time. Redirects are not followed: a receiver of records
 * is where it was said to be. A kept-alive connection serves the posts of one stream.
 */
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

export interface PostOptions {
  url: URL;
  headers: Record<string, string>;
  body: string | Buffer;
  agent: https.Agent | false;
  tls: ConnectionOptions;
  timeoutMs: number;
  /** Checks addresses as they are dialled; the system's resolution without it. */
  lookup?: LookupFunction;
}

export interface Answer {
  status: number;
  text: string;
  /** Seconds after which the receiver wants to be asked again, or null. */
  retryAfter: number | null;
}

const MAX_ANSWER = 8 * 1024 * 1024;

/** Rejects with Error in words for people when there is no whole answer. */
export function post(options: PostOptions): Promise<Answer> {
  const { url, headers, body, agent, timeoutMs, lookup } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise<Answer>((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error('the receiver did not answer in time') : error);
    const request = https.request(
      url,
      {
        ...options.tls,
        method: 'POST',
        agent,
        signal,
        ...(lookup === undefined ? {} : { lookup }),
        headers: { 'user-agent': 'sightglass', ...headers, 'content-length': Buffer.byteLength(body) },
      },
      response => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          if (size > MAX_ANSWER) request.destroy(new Error('the answer of the receiver is too large'));
          else pieces.push(piece);
        });
        response.once('error', fail);
        response.once('end', () => {
          const after = Number(response.headers['retry-after']);
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(pieces).toString(),
            retryAfter: Number.isFinite(after) && after > 0 ? after : null,
          });
        });
      },
    );
    request.once('error', fail);
    request.end(body);
  });
}

/** The status of an answer that is no success, in words. Holds the beginning of what the receiver said. */
export function refusal({ status, text }: Answer): string {
  const said = text
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, 200);
  return `the receiver answers ${status}${said === '' ? '' : `: ${said}`}`;
}
