import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Request } from 'express';
import { API, IMPORT_MAX } from '../../../web/contract.ts';
import { ApiFailure } from '../../../web/server/answer.ts';
import { LARGE_BODIES, largeJson, listBytes } from '../../../web/server/body.ts';

/** A request as far as the readers look at it. */
const request = (type: string, chunks: Buffer[], headers: Record<string, string> = {}): Request =>
  Object.assign(Readable.from(chunks), {
    headers: { 'content-type': type, ...headers },
  }) as unknown as Request;
const refusedAs = (code: string) => (error: unknown) => error instanceof ApiFailure && error.code === code;

test('large bodies are read whole, and refused when they are too large or of another type', async () => {
  assert.ok(LARGE_BODIES.has(API.listImport));
  const bytes = await listBytes(
    request('application/octet-stream', [Buffer.from('a.'), Buffer.from('test')]),
  );
  assert.equal(bytes.toString(), 'a.test');
  await assert.rejects(listBytes(request('text/plain', [])), refusedAs('bad-request'));
  const told = { 'content-length': String(IMPORT_MAX + 1) };
  await assert.rejects(listBytes(request('application/octet-stream', [], told)), refusedAs('too-large'));
  const mebibyte = Buffer.alloc(1024 * 1024);
  const untold = request(
    'application/octet-stream',
    Array.from({ length: 17 }, () => mebibyte),
  );
  await assert.rejects(listBytes(untold), refusedAs('too-large'));
  assert.deepEqual(await largeJson(request('application/json', [Buffer.from('{"text":"x"}')])), {
    text: 'x',
  });
  for (const wrong of ['[]', '{', 'null'])
    await assert.rejects(
      largeJson(request('application/json', [Buffer.from(wrong)])),
      refusedAs('bad-request'),
    );
});
