/** The engine: follows the document, keeps what did not change running, and goes on with the old one when a new one is wrong. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Engine } from '../../../src/control/streams/engine.ts';
import { scratch } from '../../audit/sample.ts';
import { Memory, Rows, SENDER } from './fakes.ts';

async function until(what: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !what();) {
    if (Date.now() > deadline) throw new Error('it did not happen');
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

test('streams come, change and go with the document', async t => {
  const dir = scratch(t);
  const file = path.join(dir, 'streams.yaml');
  const told: string[] = [];
  const store = new Rows();
  store.add(7);
  const engine = new Engine({
    file,
    store,
    book: new Memory(),
    sender: SENDER,
    tell: name => void told.push(name),
  });
  t.after(() => engine.stop());
  const lines = (name: string): number =>
    fs.existsSync(path.join(dir, name))
      ? fs.readFileSync(path.join(dir, name), 'utf8').trimEnd().split('\n').length
      : 0;
  const write = (...names: string[]): void =>
    fs.writeFileSync(
      file,
      `streams:\n${names.map(n => `  ${n}: {to: file, target: ${dir}/${n}.log, from: start}\n`).join('')}`,
    );

  await engine.look();
  assert.deepEqual(engine.state().streams, []);
  write('one');
  await engine.look();
  await until(() => lines('one.log') === 7);

  fs.writeFileSync(file, 'streams:\n  two: {to: fil, target: /x}\n');
  await engine.look();
  assert.match(engine.state().problem ?? '', /^line 2, column \d+: .*cannot be "fil"/);
  assert.deepEqual(
    engine.state().streams.map(s => s.name),
    ['one'],
  );

  write('one', 'two');
  await engine.look();
  await until(() => lines('two.log') === 7);
  assert.deepEqual([engine.state().problem, lines('one.log')], [null, 7]);

  write('two');
  await engine.look();
  assert.deepEqual(
    engine.state().streams.map(s => s.name),
    ['two'],
  );
  store.add(1);
  await until(() => lines('two.log') === 8);
  assert.equal(lines('one.log'), 7);
  fs.rmSync(file);
  await engine.look();
  assert.deepEqual(engine.state().streams, []);
  assert.deepEqual(told, [
    'streams.applied',
    'streams.rejected',
    'streams.applied',
    'streams.applied',
    'streams.applied',
  ]);
});
