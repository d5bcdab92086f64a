/**
 * Mutations that know what a ClientHello is: they take the handshake message out of its records, change one thing,
 * put the lengths right again and cut it into records anew, so that the change reaches the code behind the lengths.
 */
import * as b from '../helpers/hello-builder.ts';
import type { Rng } from './rng.ts';

interface Parts {
  /** Everything before the extension block's length. */
  front: Buffer;
  extensions: b.Extension[];
}

/** Takes a well-formed message apart; null when it is none. */
function takeApart(message: Buffer): Parts | null {
  try {
    let at = 4 + 2 + 32;
    at += 1 + message.readUInt8(at);
    at += 2 + message.readUInt16BE(at);
    at += 1 + message.readUInt8(at);
    const extensions: b.Extension[] = [];
    const end = at + 2 + message.readUInt16BE(at);
    for (let i = at + 2; i < end;) {
      const length = message.readUInt16BE(i + 2);
      extensions.push([message.readUInt16BE(i), message.subarray(i + 4, i + 4 + length)]);
      i += 4 + length;
    }
    return { front: message.subarray(4, at), extensions };
  } catch {
    return null;
  }
}

function putTogether(parts: Parts): Buffer {
  const block = b.vec16(
    Buffer.concat(parts.extensions.flatMap(([type, data]) => [b.u16(type), b.vec16(data)])),
  );
  const body = Buffer.concat([parts.front, block]);
  return Buffer.concat([b.u8(1), b.u24(body.length), body]);
}

const NAMES = [
  'a.example',
  'A.Example.',
  '10.0.0.1',
  '[::1]',
  'a\0b',
  'b\u00fccher',
  '*.x',
  'xn--a',
  '',
  '0x7f.1',
];

function change(list: b.Extension[], rng: Rng): void {
  const i = rng.int(list.length);
  const chosen = list[i];
  switch (rng.int(8)) {
    case 0:
      list.splice(i, 1);
      return;
    case 1:
      if (chosen !== undefined) list.push(chosen);
      return;
    case 2:
      list.push(b.sni(rng.pick(NAMES)));
      return;
    case 3:
      list.unshift(b.serverNames([rng.int(2), rng.pick(NAMES)], [rng.int(3), rng.pick(NAMES)]));
      return;
    case 4:
      list.splice(
        i,
        0,
        b.other(rng.pick([0, 10, 11, 13, 16, 41, 43, 0x1a1a, 0xfe0d, 0xffce]), rng.bytes(rng.int(12))),
      );
      return;
    case 5:
      list.splice(i, 1, ...list.splice(rng.int(list.length), 1));
      return;
    case 6:
      if (chosen !== undefined) {
        const data = Buffer.from(chosen[1]);
        if (data.length > 0) data[rng.int(data.length)] = rng.int(256);
        list[i] = [chosen[0], data];
      }
      return;
    default:
      for (let n = rng.int(60); n > 0; n--) list.push(b.other(5000 + rng.int(4000), rng.bytes(rng.int(4))));
  }
}

export function mutateHello(bytes: Buffer, rng: Rng): Buffer {
  const message = b.unrecord(bytes);
  const parts = takeApart(message);
  if (parts !== null) for (let n = 1 + rng.int(3); n > 0; n--) change(parts.extensions, rng);
  const out = parts === null ? message : putTogether(parts);
  return b.records(out, 1 + rng.int(rng.oneIn(2) ? 30 : out.length + 1));
}
