/**
 * Drives a reader and writes down what it said, in a form that does not depend on how the octets were cut: data of one
 * message is joined. Every chunk handed in is overwritten once the reader said `need-more`, as a relay that reads into
 * the same buffer again would do; a reader that keeps views of it is caught.
 */
import type { RequestHead, ResponseHead } from '../../../src/wire/http1/index.ts';
import { RequestReader, ResponseReader } from '../../../src/wire/http1/index.ts';

export interface Message {
  head: RequestHead | ResponseHead;
  body: Buffer;
  /** Null while the message has not ended. */
  trailers: { name: string; value: string }[] | null;
}

export interface Transcript {
  messages: Message[];
  /** Why it ended. */
  malformed: { code: string; reason: string; early: boolean } | null;
  /** Octets behind the last event. */
  rest: Buffer;
}

export interface Drive {
  /** Call `finish` after the last chunk. */
  finish?: boolean;
  /** Stop behind a request that ends the connection, is CONNECT or asks for an upgrade, as a relay does. */
  stopAtClose?: boolean;
}

/** Give `chunks` to `reader` and listen. A response reader must have its `expect` already. */
export function drive(
  reader: RequestReader | ResponseReader,
  chunks: Iterable<Buffer>,
  how: Drive = {},
): Transcript {
  const messages: Message[] = [];
  const parts: Buffer[][] = [];
  let malformed: Transcript['malformed'] = null;
  let stopped = false;

  const listen = (first: ReturnType<typeof reader.next> | null): void => {
    for (let event = first ?? reader.next(); ; event = reader.next()) {
      switch (event.kind) {
        case 'head':
          messages.push({ head: event.head, body: Buffer.alloc(0), trailers: null });
          parts.push([]);
          break;
        case 'data':
          if (event.data.length === 0) throw new Error('a data event without data');
          parts[parts.length - 1]!.push(Buffer.from(event.data));
          break;
        case 'end': {
          const message = messages[messages.length - 1]!;
          if (message.trailers !== null) throw new Error('two ends for one head');
          message.trailers = event.trailers.map(({ name, value }) => ({ name, value }));
          if (how.stopAtClose === true && message.head.kind === 'request')
            stopped =
              !message.head.keepAlive ||
              message.head.method === 'CONNECT' ||
              message.head.connection.includes('upgrade');
          if (stopped) return;
          break;
        }
        case 'malformed':
          malformed = { code: event.code, reason: event.reason, early: event.early };
          return;
        case 'need-more':
          return;
      }
    }
  };

  for (const chunk of chunks) {
    if (malformed !== null) break;
    if (stopped) {
      reader.push(Buffer.from(chunk));
      continue;
    }
    const borrowed = Buffer.from(chunk);
    reader.push(borrowed);
    listen(null);
    if (stopped) reader.keep();
    borrowed.fill(0xee);
  }
  if (how.finish === true && malformed === null && !stopped) listen(reader.finish());
  messages.forEach((message, i) => (message.body = Buffer.concat(parts[i]!)));
  return { messages, malformed, rest: Buffer.from(reader.takeRest()) };
}

/** The same octets: whole, split at every offset in two, byte by byte. */
export function* cuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, byte => Buffer.from([byte]));
}

export function requests(bytes: string | Buffer, how?: Drive): Transcript {
  return drive(new RequestReader(), [toBuffer(bytes)], how);
}

export function response(method: string, bytes: string | Buffer, how?: Drive): Transcript {
  const reader = new ResponseReader();
  reader.expect(method);
  return drive(reader, [toBuffer(bytes)], how);
}

export function toBuffer(bytes: string | Buffer): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}

/** The message as a relay sends it on: head written anew, body in its framing. */
export function resend(
  message: Message,
  serialize: (head: never) => string,
  trailers: (fields: { rawName: string; name: string; value: string }[]) => string,
): Buffer {
  const parts: Buffer[] = [Buffer.from(serialize(message.head as never), 'latin1')];
  if (message.head.framing.kind === 'chunked') {
    // In two chunks, so that the seam is tested as well.
    const half = message.body.length >> 1;
    for (const part of [message.body.subarray(0, half), message.body.subarray(half)])
      if (part.length > 0)
        parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    const fields = (message.trailers ?? []).map(f => ({ ...f, rawName: f.name }));
    parts.push(Buffer.from(`0\r\n${trailers(fields)}\r\n`, 'latin1'));
  } else parts.push(message.body);
  return Buffer.concat(parts);
}
