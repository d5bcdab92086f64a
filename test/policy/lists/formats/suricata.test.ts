import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('suricata', () => {
  it('reads back what it writes, and no other rules', async () => {
    const written = writeList('suricata', ['a.test', '.b.test', '*.c.test'], { exceptions: ['.ok.b.test'] });
    assert.equal(written.withheld.total, 1);
    const rules = written.lines[0] ?? [];
    assert.equal(rules.length, 3);
    const sids = rules.map(r => /sid:(\d+);/.exec(r)?.[1]);
    assert.equal(new Set(sids).size, 3);
    // Without `startswith` an exact content would match in the middle, without `dotprefix` the dot would miss the name.
    assert.match(rules[0] ?? '', /^drop tls .*tls\.sni; content:"a\.test"; nocase; startswith; endswith;/);
    assert.match(rules[1] ?? '', /tls\.sni; dotprefix; content:"\.b\.test"; nocase; endswith;/);
    assert.match(rules[2] ?? '', /^pass tls /);
    const { entries, rejects } = await readList(
      null,
      `${rules.join('\n')}\nalert http any any -> any any (msg:"x"; sid:1;)\n` +
        'drop tls any any -> any any (tls.sni; content:"x"; sid:2;)\n',
    );
    assert.deepEqual(entries, ['deny a.test', 'deny .b.test', 'allow .ok.b.test']);
    assert.deepEqual(rejects, ['4: no rule on tls.sni', '5: a rule of another shape']);
  });
});
