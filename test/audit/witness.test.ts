/** The copy outside: append-only lines that come back, what failed is written later, and where it was left off. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { signCheckpoint } from '../../src/audit/checkpoint.ts';
import { makeStatement, signerOf } from '../../src/audit/statement.ts';
import { readWitnessLine, Witness, witnessLine } from '../../src/audit/witness.ts';
import { scratch } from './sample.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey);
const d = 'cd'.repeat(32);
const checkpoint = (number: number) =>
  signCheckpoint(signer, {
    day: '2026-11-20',
    number,
    previous: d,
    first: number,
    last: number,
    before: d,
    link: d,
    root: d,
    time: 0,
  });

it('appends, catches up after a failure, and knows where it ends', t => {
  const dir = scratch(t);
  const file = path.join(dir, 'missing', 'witness.ndjson');
  const witness = new Witness(file);
  assert.equal(witness.lastNumber(), 0);
  assert.match(witness.write(checkpoint(1)) ?? '', /ENOENT/);
  fs.mkdirSync(path.dirname(file));
  assert.equal(witness.write(checkpoint(2)), null);
  assert.equal(witness.write(makeStatement(signer, 'sightglass seal 1', { day: 'x' })), null);
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.deepEqual(lines.map(line => readWitnessLine(line)).slice(0, 2), [checkpoint(1), checkpoint(2)]);
  assert.equal(lines.length, 3);
  assert.equal(new Witness(file).lastNumber(), 2, 'a line that is no checkpoint is passed over');
  fs.appendFileSync(file, '{"torn');
  assert.equal(new Witness(file).lastNumber(), 2);
  assert.equal(
    new Witness('/dev/null').lastNumber(),
    Infinity,
    'nothing to catch up with in what is no file',
  );
});

it('takes no line for what it is not', () => {
  const line = witnessLine(checkpoint(1));
  assert.ok(readWitnessLine(line) !== null);
  for (const bad of [
    '',
    'null',
    '[]',
    '{}',
    '{"statement":1,"signature":"x"}',
    line.slice(2),
    line.replace('checkpoint', 'Checkpoint'),
  ])
    assert.equal(readWitnessLine(bad), null, bad.slice(0, 40));
});
