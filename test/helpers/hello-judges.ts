/** Shared by the tests of hellos: what we read, hellos built from lists, and what a second implementation reads. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { calculateJa3, calculateJa4, readTlsClientHello } from 'read-tls-client-hello';
import type { HelloFacts } from '../../src/core/facts.ts';
import { readHello, readHelloMessage } from '../../src/wire/client-hello.ts';
import type { HelloFields } from '../../src/wire/hello-fields.ts';
import * as b from './hello-builder.ts';

export function fieldsOf(bytes: Buffer): HelloFields {
  const r = readHelloMessage(bytes);
  assert.equal(r.outcome, 'hello', JSON.stringify(r));
  return r.fields;
}

/** The facts of bytes that must hold a hello. */
export function factsOf(bytes: Buffer): HelloFacts {
  const r = readHello(bytes);
  assert.ok(r.outcome === 'hello', JSON.stringify(r));
  return r.hello;
}

/** The reason of bytes that must not. */
export function reasonOf(bytes: Buffer, outcome: 'malformed' | 'not-tls'): string {
  const r = readHello(bytes);
  assert.ok(r.outcome === outcome, JSON.stringify(r));
  return r.reason;
}

/** The independent judge: the npm package read-tls-client-hello (HTTP Toolkit), which shares no code with us. */
export async function judge(bytes: Buffer): Promise<{ ja3: string; ja4: string }> {
  const stream = new Readable({ read: () => undefined });
  stream.push(bytes);
  const parsed = await readTlsClientHello(stream);
  stream.destroy();
  return { ja3: calculateJa3(parsed), ja4: calculateJa4(parsed) };
}

export interface Lists {
  version?: number;
  ciphers: number[];
  extensions: number[];
  groups?: number[];
  formats?: number[];
  algorithms?: number[];
  versions?: number[];
  alpn?: Array<string | Buffer>;
}

/** A hello whose extensions stand in the given order, filled from the lists where they have contents. */
export function helloOf(lists: Lists): Buffer {
  const extensions = lists.extensions.map((type): b.Extension => {
    if (type === 0) return b.sni('fixture.example');
    if (type === 10) return b.groups(...(lists.groups ?? [29]));
    if (type === 11) return b.pointFormats(...(lists.formats ?? [0]));
    if (type === 13) return b.sigAlgs(...(lists.algorithms ?? [0x0403]));
    if (type === 16) return b.alpn(...(lists.alpn ?? ['h2', 'http/1.1']));
    if (type === 43) return b.versions(...(lists.versions ?? [0x0304, 0x0303]));
    if (type === 0xfe0d) return b.ech(0);
    return b.other(type, type === 41 ? Buffer.alloc(4) : Buffer.alloc(0));
  });
  return b.hello({ version: lists.version ?? 0x0303, ciphers: lists.ciphers, extensions });
}

export const hexList = (text: string): number[] =>
  text === '' ? [] : text.split(',').map(v => parseInt(v, 16));
export const decimalList = (text: string): number[] => (text === '' ? [] : text.split('-').map(Number));
