import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('json', () => {
  const values = ['{"domain":"*.b.test"}', '"a.test"', '{"pattern":"c.test","match":"both","action":"deny"}'];
  for (const text of [
    `[${values.join(',')}]`,
    `[\n  ${values.join(',\n  ')}\n]\n`,
    `{"version":1,"about":{"entries":["no.test"]},"entries":[${values.join(',')}],"more":["no.test"],"x":1}`,
    `{"domains": [${values.join(' , ')}]}`,
    values.join('\n'),
  ])
    it(`reads ${text.slice(0, 30).replaceAll('\n', ' ')}`, async () => {
      const { entries, rejects } = await readList('json', text);
      assert.deepEqual(entries, ['*.b.test', 'a.test', 'deny .c.test']);
      assert.deepEqual(rejects, []);
    });

  it('is told from its content', async () => {
    assert.equal((await readList(null, '["a.test"]')).report.format, 'json');
    assert.equal((await readList(null, '{"domain":"a.test"}\n{"domain":"b.test"}\n')).entries.length, 2);
  });

  it('is the same however it is cut', async () => {
    const text = '{"a":"]\\"[","entries":[\n{"pattern":"a.test","comment":"\\\\\\"}{"},\n"b.test"\n]}';
    const whole = await readList('json', text);
    assert.deepEqual(whole.entries, ['a.test', 'b.test']);
    for (let at = 1; at < text.length; at++)
      assert.deepEqual((await readList('json', [text.slice(0, at), text.slice(at)])).full, whole.full);
    assert.deepEqual((await readList('json', [...text])).full, whole.full);
  });

  it('tells what is no name, where it stands, and broken ends', async () => {
    const text = '["a.test",\n1,\n[],\n{},\n{"pattern":5},\nnull,\n"bad..name"]\n';
    const { entries, rejects } = await readList('json', text);
    assert.deepEqual(entries, ['a.test']);
    assert.deepEqual(rejects, [
      '2: neither a name nor an entry',
      '3: neither a name nor an entry',
      '4: no pattern',
      '5: no pattern',
      '6: neither a name nor an entry',
      '7: empty label',
    ]);
    assert.deepEqual((await readList('json', '["a.test", "b')).rejects, [
      '1: the file ends inside a value',
      '1: the file ends inside an array or object',
    ]);
    const long = await readList('json', `["a.test","${'x'.repeat(70_000)}","b.test"]`);
    assert.deepEqual(long.entries, ['a.test', 'b.test']);
    assert.deepEqual(long.rejects, ['1: a value longer than 64 KiB']);
  });

  it('writes JSON that any reader reads', () => {
    const { texts } = writeList('json', ['.a.test', 'b.test'], { exceptions: ['.ok.a.test'] });
    const { list, policy, entries } = JSON.parse(texts['names.json'] ?? '') as Record<string, unknown>;
    assert.deepEqual([list, policy], ['names', '0123456789ab']);
    assert.deepEqual(entries, [
      { pattern: 'a.test', match: 'both', action: 'deny' },
      { pattern: 'b.test', match: 'exact', action: 'deny' },
      { pattern: 'ok.a.test', match: 'both', action: 'allow' },
    ]);
    const none = JSON.parse(writeList('json', []).texts['names.json'] ?? '') as { entries: unknown };
    assert.deepEqual(none.entries, []);
  });
});
