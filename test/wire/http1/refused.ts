/** Tables of refused requests: each must end in `request-malformed` with the reason named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requests } from './transcript.ts';

/** Name, octets (latin1), a word of the reason. */
export type Refused = readonly [string, string, RegExp];

export const HOST = 'Host: h.example\r\n';
export const post = (lines: string, body = ''): string => `POST / HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
export const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);
export const get = (lines: string): string => `GET / HTTP/1.1\r\n${HOST}${lines}\r\n`;

/** One test for each row. No message of it may have been given out whole. */
export function refuses(rows: readonly Refused[]): void {
  for (const [name, bytes, reason] of rows)
    test(name, () => {
      const { messages, malformed } = requests(bytes);
      assert.ok(malformed !== null, `accepted ${messages.length}`);
      assert.equal(malformed.code, 'request-malformed');
      assert.match(malformed.reason, reason);
      assert.equal(malformed.early, false);
      assert.ok(messages.every(m => m.trailers === null));
    });
}
