/** The file: appended and synced, put aside when large, begun anew when somebody moved it, mended after a crash. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { FileReceiver } from '../../../src/control/streams/file-receiver.ts';
import { fedEvent, fedExchange, fedFlow } from '../../audit/export/fed.ts';
import { scratch } from '../../audit/sample.ts';
import { config, SENDER } from './fakes.ts';
import type { StreamConfig } from '../../../src/control/streams/document.ts';
import type { TestContext } from 'node:test';

function stage(t: TestContext, changes: Partial<StreamConfig> = {}) {
  const file = path.join(scratch(t), 'out.log');
  const receiver = new FileReceiver(config({ to: 'file', target: file, ...changes }), SENDER);
  t.after(() => receiver.reset());
  const lines = (name = file): string[] => fs.readFileSync(name, 'utf8').trimEnd().split('\n');
  return { file, receiver, lines };
}

describe('a file as receiver', () => {
  it('has a line per record, in the format it was told', async t => {
    for (const [format, start] of [
      ['json', '{"kind":'],
      ['cef', 'CEF:0'],
      ['ecs', '{"@timestamp"'],
      ['ocsf', '{"time"'],
      ['squid', '17'],
    ] as const) {
      const s = stage(t, { format });
      await s.receiver.send([fedExchange(), fedFlow(), fedEvent()]);
      assert.equal(s.lines().length, format === 'squid' ? 2 : 3);
      assert.ok(s.lines()[0]?.startsWith(start), format);
      assert.equal(fs.statSync(s.file).mode & 0o777 & ~0o640, 0);
    }
  });

  it('keeps a line of the Squid log within what its readers take', async t => {
    const s = stage(t, { format: 'squid' });
    await s.receiver.send([fedExchange({ path: `/${'\u00fc'.repeat(100_000)}` })]);
    assert.ok((s.lines()[0] ?? '').length <= 8000);
  });

  it('is put aside when it is large, and the oldest goes', async t => {
    const s = stage(t, { rotateBytes: 2000, keep: 2 });
    for (let i = 0; i < 40; i++) await s.receiver.send([fedEvent({ detail: { i } })]);
    const names = fs.readdirSync(path.dirname(s.file)).sort();
    assert.deepEqual(
      names.filter(name => name !== 'out.log'),
      ['out.log.1', 'out.log.2'],
    );
    assert.ok(fs.statSync(`${s.file}.1`).size >= 2000);
  });

  it('begins anew when logrotate moved it away', async t => {
    const s = stage(t);
    await s.receiver.send([fedEvent()]);
    fs.renameSync(s.file, `${s.file}.moved`);
    await s.receiver.send([fedEvent(), fedEvent()]);
    assert.deepEqual([s.lines(`${s.file}.moved`).length, s.lines().length], [1, 2]);
  });

  it('ends a line that a crash cut short before it goes on', async t => {
    const s = stage(t);
    fs.writeFileSync(s.file, '{"half":');
    await s.receiver.send([fedEvent()]);
    assert.equal(s.lines()[0], '{"half":');
    assert.equal((JSON.parse(s.lines()[1] ?? '') as { kind: string }).kind, 'event');
  });

  it('says when it cannot be written', async t => {
    const s = stage(t, { target: '/nonexistent-folder/x.log' });
    await assert.rejects(s.receiver.send([fedEvent()]), /ENOENT/);
  });
});
