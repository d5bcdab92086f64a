/** Samba's parser of the format (generated from its own IDL) is the judge: it must read every record and write the same bytes. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { deletion, registryPol } from '../../../ca/kits/registry-pol.ts';
import type { RegistryRecord } from '../../../ca/kits/registry-pol.ts';
import { scratch } from '../scratch.ts';
import { python } from './sample.ts';

const READ = `
import sys, json
from samba.ndr import ndr_unpack, ndr_pack
from samba.dcerpc import preg
out = []
for path in sys.argv[1:]:
    raw = open(path, 'rb').read()
    pol = ndr_unpack(preg.file, raw)
    def data(e):
        return e.data if isinstance(e.data, (int, str)) else bytes(e.data or b'').hex()
    out.append({'same': ndr_pack(pol) == raw, 'signature': pol.header.signature, 'version': pol.header.version,
                'entries': [[e.keyname, e.valuename, e.type, data(e)] for e in pol.entries]})
print(json.dumps(out))`;

const KEY = 'Software\\Policies\\Example';

test('each kind of value is what Samba reads, byte for byte both ways', t => {
  const dir = scratch(t);
  const records: RegistryRecord[] = [
    { key: KEY, name: '', data: { type: 'none' } },
    { key: KEY, name: 'Number', data: { type: 'dword', number: 4_000_000_000 } },
    { key: KEY, name: 'Text', data: { type: 'string', text: 'ünïcode; [] ☃' } },
    { key: KEY, name: 'Texts', data: { type: 'strings', texts: ['a', 'b'] } },
    {
      key: `${KEY}\\Below`,
      name: 'Blob',
      data: { type: 'binary', bytes: Buffer.from('00ff5b005d003b00', 'hex') },
    },
    deletion(KEY, 'Gone'),
  ];
  const path = join(dir, 'registry.pol');
  writeFileSync(path, registryPol(records));
  const [file] = python(READ, path) as {
    same: boolean;
    signature: string;
    version: number;
    entries: unknown[];
  }[];
  const wide = (text: string): string => Buffer.from(text, 'utf16le').toString('hex');
  assert.deepEqual(file, {
    same: true,
    signature: 'PReg',
    version: 1,
    entries: [
      [KEY, '', 0, ''],
      [KEY, 'Number', 4, 4_000_000_000],
      [KEY, 'Text', 1, 'ünïcode; [] ☃'],
      [KEY, 'Texts', 7, wide('a\0b\0\0')],
      [`${KEY}\\Below`, 'Blob', 3, '00ff5b005d003b00'],
      [KEY, '**Del.Gone', 1, ' '],
    ],
  });
});

test('whatever the values, Samba writes back what we wrote', t => {
  const dir = scratch(t);
  const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter(s => !s.includes('\0'));
  const data = fc.oneof(
    fc.record({ type: fc.constant('dword' as const), number: fc.integer({ min: 0, max: 0xffffffff }) }),
    fc.record({
      type: fc.constant('binary' as const),
      bytes: fc.uint8Array({ maxLength: 200 }).map(b => Buffer.from(b)),
    }),
    fc.record({ type: fc.constant('string' as const), text: name }),
  );
  const files = fc.sample(fc.array(fc.record({ key: name, name, data }), { maxLength: 20 }), 30);
  const paths = files.map((records, i) => {
    const path = join(dir, `${i}.pol`);
    writeFileSync(path, registryPol(records));
    return path;
  });
  const read = python(READ, ...paths) as { same: boolean; entries: unknown[] }[];
  assert.ok(read.every(file => file.same));
  assert.deepEqual(
    read.map(file => file.entries.length),
    files.map(records => records.length),
  );
});

test('what the format cannot hold is a mistake of ours, told at once', () => {
  assert.throws(() => registryPol([{ key: 'a\0b', name: 'x', data: { type: 'none' } }]), RangeError);
  const bytes = Buffer.alloc(65_536);
  assert.throws(() => registryPol([{ key: 'a', name: 'x', data: { type: 'binary', bytes } }]), RangeError);
});
