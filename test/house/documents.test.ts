/** What the documents repeat from the sources is what the sources say, and every entry of a catalogue is used. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { FAULTS } from '../../src/core/faults.ts';
import { VERBS } from '../../src/cli/verbs.ts';
import { SETTING_NAMES } from '../../src/settings/catalogue.ts';
import { DOCUMENTS } from '../../web/client/manual/documents.ts';
import { ROOT, read, sources, tree } from './tree.ts';

/** Typed here, because scripts are plain JavaScript. */
interface Docs {
  generated(): Record<string, string>;
}
const script: string = '../../scripts/docs.mjs';
const docs = (await import(script)) as Docs;

describe('generated documents', () => {
  for (const [path, content] of Object.entries(docs.generated()))
    it(`${path} is what the sources say`, () => {
      const [is, should] = [read(path).split('\n'), content.split('\n')];
      const at = should.findIndex((line, n) => line !== is[n]);
      const hint = `${path}, line ${at + 1}: run node --import tsx scripts/docs.mjs`;
      assert.equal(is[at], should[at], hint);
      assert.equal(is.length, should.length, hint);
    });

  it('name every setting and every fault', () => {
    const readme = read('README.md');
    for (const name of SETTING_NAMES) assert.ok(readme.includes(`| \`${name}\` |`), name);
    const faults = read('docs/reference/faults.md');
    for (const code of Object.keys(FAULTS)) assert.ok(faults.includes(`| \`${code}\` |`), code);
  });
});

describe('the manual of the console', () => {
  it('offers every document of docs', () => {
    const documents = tree().filter(path => /^docs\/.*\.md$/.test(path));
    assert.deepEqual(
      DOCUMENTS.map(({ name }) => name).sort(),
      documents.map(path => basename(path, '.md')).sort(),
      'name it in web/client/manual/documents.ts',
    );
  });
});

describe('catalogues', () => {
  const code = sources()
    .filter(path => !path.startsWith('src/settings/') && path !== 'src/core/faults.ts')
    .map(read)
    .join('\n');
  const used = (word: string): boolean => code.includes(`'${word}'`);

  it('hold no setting that nobody reads', () => {
    assert.deepEqual(
      SETTING_NAMES.filter(name => !used(name)),
      [],
    );
  });

  it('hold no fault that nobody raises', () => {
    assert.deepEqual(
      Object.keys(FAULTS).filter(name => !used(name)),
      [],
    );
  });

  it('list every verb there is', () => {
    // A verb's file is named after it and exports its command; files with a dash in their name are parts of a verb.
    const files = sources().filter(
      path => /^src\/cli\/[a-z]+\.ts$/.test(path) && /export function \w+Command\(/.test(read(path)),
    );
    const table = read('src/cli/verbs.ts');
    for (const path of files) assert.ok(table.includes(`'./${path.slice('src/cli/'.length)}'`), path);
    assert.equal(Object.keys(VERBS).length, files.length);
  });
});

describe('links', () => {
  it('between documents lead somewhere', () => {
    for (const path of tree().filter(p => p.endsWith('.md')))
      for (const [, target = ''] of read(path).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(join(ROOT, path, '..', target)), `${path}: ${target}`);
  });

  it('from documents to files of the house lead somewhere', () => {
    const named = /`((?:src|ca|web|test|scripts|bench|docs)\/[\w./-]+\.(?:ts|mjs|md|cjs))`/g;
    for (const path of tree().filter(p => p.endsWith('.md')))
      for (const [, target = ''] of read(path).matchAll(named))
        assert.ok(existsSync(join(ROOT, target)), `${path}: ${target}`);
  });
});
