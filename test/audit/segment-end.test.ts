/** Two readers of one spool: a segment goes when both have read it, and its mark with it. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Ingest } from '../../src/audit/ingest.ts';
import { listSegments } from '../../src/audit/producer.ts';
import { isShipped, markShipped, removeSegment } from '../../src/audit/segment-end.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { exchange, NOON, scratch } from './sample.ts';

test('a segment that is shipped too stays until it is, and is not read twice', t => {
  const dir = scratch(t);
  const spoolDir = path.join(dir, 'spool');
  const spool = openSpool({ dir: spoolDir, producer: 1 });
  spool.append(exchange());
  spool.close();
  const ingest = new Ingest({ spoolDir, auditDir: path.join(dir, 'audit'), now: () => NOON, shared: true });
  t.after(() => ingest.close());
  const rows = [1, 2, 3].map(() => ingest.step().rows);
  assert.deepEqual(rows.slice(1), [0, 0]);
  const [{ name = '' } = {}] = listSegments(spoolDir);
  assert.equal(name, '00000001-00000001.seg');
  assert.equal(isShipped(spoolDir, name), false);
  markShipped(spoolDir, name);
  ingest.step();
  assert.deepEqual(fs.readdirSync(spoolDir), []);
});

test('a damaged one is kept aside, and what is gone is no error', t => {
  const dir = scratch(t);
  fs.writeFileSync(path.join(dir, '00000001-00000001.seg'), 'x');
  removeSegment(dir, '00000001-00000001.seg', true);
  removeSegment(dir, '00000001-00000001.seg', true);
  removeSegment(dir, '00000001-00000002.seg', false);
  markShipped(dir, '00000001-00000002.seg');
  assert.deepEqual(fs.readdirSync(dir, { recursive: true }).sort(), [
    'bad',
    path.join('bad', '00000001-00000001.seg'),
  ]);
});
