/** A client of server-sent events for tests: reads message by message, may stop reading. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';

export interface SseMessage {
  event: string;
  data: unknown;
}

export interface Sse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The next message; rejects when the stream ends first. */
  next: () => Promise<SseMessage>;
  /** Resolves when the server has ended the stream. */
  ended: Promise<void>;
  close: () => void;
  /** Stop and start taking data. */
  pause: () => void;
  resume: () => void;
}

/** Open a stream of server-sent events. */
export function listen(t: TestContext, port: number, path: string, cookie: string): Promise<Sse> {
  return new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, path, headers: { cookie }, agent: false }, res => {
      const got: SseMessage[] = [];
      const wanted: { resolve: (m: SseMessage) => void; reject: (e: Error) => void }[] = [];
      let rest = '';
      let over = false;
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        rest += chunk;
        for (let at = rest.indexOf('\n\n'); at >= 0; at = rest.indexOf('\n\n')) {
          const lines = rest.slice(0, at).split('\n');
          rest = rest.slice(at + 2);
          assert.equal(lines.length, 2, 'one event line and one data line');
          const message = {
            event: (lines[0] ?? '').replace(/^event: /, ''),
            data: JSON.parse((lines[1] ?? '').replace(/^data: /, '')) as unknown,
          };
          const waiter = wanted.shift();
          if (waiter === undefined) got.push(message);
          else waiter.resolve(message);
        }
      });
      const ended = new Promise<void>(end =>
        res.on('close', () => {
          over = true;
          for (const waiter of wanted) waiter.reject(new Error('the stream ended'));
          end();
        }),
      );
      res.on('error', () => undefined);
      resolve({
        status: res.statusCode ?? 0,
        headers: res.headers,
        next: () =>
          new Promise((ok, bad) => {
            const message = got.shift();
            if (message !== undefined) ok(message);
            else if (over) bad(new Error('the stream ended'));
            else wanted.push({ resolve: ok, reject: bad });
          }),
        ended,
        close: () => req.destroy(),
        pause: () => res.pause(),
        resume: () => res.resume(),
      });
    });
    req.on('error', reject);
    t.after(() => req.destroy());
  });
}
