/** Statements, witness lines, canonical texts and evidence bundles come from outside: any bytes are read or refused, never believed. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { zipSync } from 'fflate';
import { canonical, readCanonical, readEntries } from '../../../src/audit/chain.ts';
import { readCheckpoint, signCheckpoint } from '../../../src/audit/checkpoint.ts';
import { readDrop } from '../../../src/audit/drop.ts';
import { rowOfTexts } from '../../../src/audit/evidence/row.ts';
import { filesOfZip } from '../../../src/audit/evidence/zip.ts';
import { readSeal } from '../../../src/audit/seal.ts';
import { isSignedBy, makeStatement, readSigned, signedText, signerOf } from '../../../src/audit/statement.ts';
import { readWitnessLine, witnessLine } from '../../../src/audit/witness.ts';
import type { FuzzTarget } from '../target.ts';

const ours = generateKeyPairSync('ed25519');
const signer = signerOf(ours.privateKey);
const d = 'ab'.repeat(32);
const checkpoint = signCheckpoint(signer, {
  day: '2026-11-20',
  number: 1,
  previous: d,
  first: 1,
  last: 2,
  before: d,
  link: d,
  root: d,
  time: 0,
});
const made = [
  checkpoint,
  makeStatement(signer, 'sightglass drop 1', { day: 'x', why: 'age', last: 1, link: d }),
];
const statements = new Set(made.map(signed => signed.statement));

const target: FuzzTarget = {
  name: 'evidence',
  invariant:
    'whatever is read comes back byte for byte when written again, and only what our key signed counts as signed by it',
  seeds: () => [
    ...made.map(signed => Buffer.from(signedText(signed))),
    Buffer.from(witnessLine(checkpoint)),
    Buffer.from(zipSync({ 'evidence/data.ndjson': Buffer.from('{}\n') })),
    Buffer.from(canonical('event', [1, 'name', '{"a":"ü"}', null, { hex: d }])),
    Buffer.from(canonical('exchange', [1, 1, 2, 3, null, 4, 5, 0, { hex: d }, { hex: d }, { hex: d }])),
  ],
  dictionary: ['signature ', 'sightglass checkpoint 1\n', ' #ab', ' 3:abc', ' -', '\n\n'].map(text =>
    Buffer.from(text),
  ),
  run(bytes) {
    const text = bytes.toString('utf8');
    for (const signed of [readSigned(text), readWitnessLine(text)]) {
      if (signed === null) continue;
      if (isSignedBy(signed, ours.publicKey)) assert.ok(statements.has(signed.statement));
      readCheckpoint(signed.statement);
      readSeal(signed.statement);
      readDrop(signed.statement);
    }
    const signed = readSigned(text);
    if (signed !== null) assert.equal(readSigned(signedText(signed))?.statement, signed.statement);
    const value = readCanonical(text);
    if (value !== null) assert.equal(canonical(value.kind, value.fields), text);
    for (const entry of readEntries(bytes) ?? []) assert.ok(entry.row >= 0 && entry.digest.length === 64);
    filesOfZip(Buffer.from(bytes), 1 << 20);
    for (const kind of ['exchanges', 'flows'] as const) assert.equal(rowOfTexts(kind, text, {}), null);
  },
};
export default target;
