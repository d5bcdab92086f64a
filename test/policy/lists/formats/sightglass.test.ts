import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePolicy } from '../../../../src/policy/parse.ts';
import { readList, writeList } from '../helper.ts';

describe('sightglass', () => {
  it('writes a policy that can be used as it is', () => {
    for (const name of ['names', 'true', '8', 'a-b.c']) {
      const { texts } = writeList('sightglass', ['a.test', '*.b.test', '.co.uk'], { name });
      const parsed = parsePolicy(texts[`${name}.yaml`] ?? '');
      assert.ok(parsed.ok, JSON.stringify(parsed));
      assert.deepEqual(parsed.document.lists[name], {
        kind: 'inline',
        domains: ['a.test', '*.b.test', '.co.uk'],
        allowPublicSuffix: true,
      });
      assert.equal(parsed.document.rules[0]?.action, 'block');
    }
    assert.ok(parsePolicy(writeList('sightglass', []).texts['names.yaml'] ?? '').ok);
  });

  it('puts a long list into a file beside the policy', () => {
    const many = Array.from({ length: 10_001 }, (_, i) => `h${i}.test`);
    const written = writeList('sightglass', many);
    assert.deepEqual(Object.keys(written.texts), ['names.yaml', 'names.txt']);
    const parsed = parsePolicy(written.texts['names.yaml'] ?? '');
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.document.lists['names'], {
      kind: 'file',
      file: 'names.txt',
      allowPublicSuffix: true,
    });
    assert.equal(written.lines[1]?.length, 10_001);
  });

  it('reads the lists of a policy and nothing else of it', async () => {
    const text = `version: 1
default: block
lists:
  one:
    domains:
      - a.test
      - '*.b.test' # tail
      - ".c.test"
      - { x: y }
  two: { domains: [ lost.test ] }
  three: { domains: [] }
  four:
    domains:
    - d.test
rules:
  - name: not.a.test
    when: { host: [ e.test ] }
`;
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, ['a.test', '*.b.test', '.c.test', 'd.test']);
    assert.deepEqual(rejects, ['9: not of the form - name', '10: write one name per line below domains:']);
  });
});
