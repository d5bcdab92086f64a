import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addFileList } from '../../src/policy/edit.ts';
import { documentOf } from './facts.ts';

describe('edit', () => {
  const cases: [what: string, before: string, after: string][] = [
    [
      'below the others',
      'version: 1\nlists:\n    a: { domains: [] }\n',
      'version: 1\nlists:\n    new: { file: f.txt }\n    a: { domains: [] }\n',
    ],
    [
      'into an empty section',
      'version: 1\nlists: # none\nrules: []\n',
      'version: 1\nlists: # none\n  new: { file: f.txt }\nrules: []\n',
    ],
    ['into a section at the very end', 'version: 1\nlists:', 'version: 1\nlists:\n  new: { file: f.txt }\n'],
    [
      'as a new section',
      'version: 1\nrules: []',
      'version: 1\nrules: []\n\nlists:\n  new: { file: f.txt }\n',
    ],
  ];
  for (const [what, before, after] of cases)
    it(`adds a list ${what}`, () => {
      assert.equal(addFileList(before, 'new', 'f.txt', false), after);
      assert.ok(documentOf(after).lists['new']);
    });

  it('quotes what YAML would read otherwise, and keeps flags', () => {
    for (const name of ['8', 'true', 'null', 'a-b', 'No']) {
      const edited = addFileList('version: 1\n', name, 'a b/#c.txt', true) ?? assert.fail(name);
      assert.deepEqual(documentOf(edited).lists[name], {
        kind: 'file',
        file: 'a b/#c.txt',
        allowPublicSuffix: true,
      });
    }
  });

  it('gives up on what it cannot do safely', () => {
    for (const text of [
      'version: 1\nlists: { a: { domains: [ x.test ] } }\n',
      'version: 1\nrulez: []\n',
      '',
      '- 1\n',
      'version: 1\nlists: [\n',
    ])
      assert.equal(addFileList(text, 'new', 'f.txt', false), null, text);
    assert.equal(addFileList('version: 1\nlists:\n  new: { domains: [] }\n', 'new', 'f.txt', false), null);
  });
});
