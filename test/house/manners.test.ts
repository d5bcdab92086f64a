/** Rules about every file: size, no trace of the machine it was written on, nothing left for later. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { IGNORED, ROOT, read, tree } from './tree.ts';

const MAX_LINES = 400;
/** Files that hold one long list or one idea that does not divide, each with its reason. */
const LONG: Readonly<Record<string, string>> = {
  'src/core/faults.ts': 'one catalogue, one entry per fault',
  'src/proxy/relay/h1.ts':
    'one state machine; both reading ends, framing and own answers already have files of their own',
  'src/settings/catalogue.ts': 'one catalogue, one entry per setting',
  'test/proxy/relay/h1.test.ts': 'one table of dialogues with the same relay',
  'web/contract.ts': 'one list of shapes, which both sides read from top to bottom',
};

const texts = tree().filter(path => !/\.(png|ico|gif|jpg|bin|pcap|pcapng|woff2?)$/.test(path));
const code = texts.filter(path => /\.(ts|tsx|mjs|cjs|js)$/.test(path) && !path.startsWith('test/fixtures/'));

describe('every file', () => {
  it(`has at most ${MAX_LINES} lines, or a reason`, () => {
    const long = code.filter(path => read(path).split('\n').length > MAX_LINES + 1 && !(path in LONG));
    assert.deepEqual(long, [], 'look for the second idea in it');
    for (const path of Object.keys(LONG))
      assert.ok(read(path).split('\n').length > MAX_LINES, `${path} is short now; drop it from LONG`);
  });

  it('says first what it is', () => {
    const silent = code
      .filter(path => /^(src|ca|web\/server|scripts)\//.test(path))
      .filter(path => !/^(#!.*\n)?\/(\*\*?|\/)/.test(read(path)));
    assert.deepEqual(silent, []);
  });

  it('names no path of the machine it was written on and no package registry', () => {
    // Put together here, so that this file does not hold what it looks for.
    const registries = [
      ['registry', 'npmjs'],
      ['registry', 'yarnpkg'],
      ['npm', 'pkg', 'github'],
      ['deb', 'debian'],
      ['pypi', 'org'],
    ];
    const host = new RegExp(registries.map(parts => parts.join('\\.')).join('|'), 'i');
    const path = new RegExp(`(?<![\\w./-])/(${['work', 'root', 'home', 'Users'].join('|')})/[\\w.-]`);
    const found = texts.filter(file => {
      const text = read(file);
      return host.test(text) || (path.test(text) && !(file in PATHS));
    });
    assert.deepEqual(found, []);
  });

  it('leaves nothing for later', () => {
    const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
    assert.deepEqual(
      code.filter(file => marks.test(read(file))),
      [],
    );
  });

  it('is looked at: the tests leave out what git ignores and nothing else', () => {
    const folders = read('.gitignore').match(/^\/?[\w.]+(?=\/$)/gm) ?? [];
    assert.deepEqual([...folders.map(name => name.replace('/', '')), '.git'].sort(), [...IGNORED].sort());
  });

  it('skips no test', () => {
    const skips = /\b(test|it|describe|suite)\.(skip|todo|only)\b|\bskip: (true|['"`])|\btodo: (true|['"`])/;
    const tests = code.filter(file => file.endsWith('.test.ts') && !file.startsWith('test/house/'));
    assert.deepEqual(
      tests.filter(file => skips.test(read(file))),
      [],
    );
  });
});

/** Files in which such a path is an example, not a place. */
const PATHS: Readonly<Record<string, string>> = {
  'test/settings/kinds.test.ts': 'a pretended home folder',
};

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };

  it('has a script for every habit, and each leads to a file that exists', () => {
    for (const name of ['start', 'demo', 'dev', 'build', 'check', 'test', 'e2e', 'fuzz', 'bench'])
      assert.ok(name in manifest.scripts, name);
    for (const [name, line] of Object.entries(manifest.scripts))
      for (const [, file = ''] of line.matchAll(/\b((?:scripts|test|bench)\/[\w./-]+\.(?:mjs|ts))/g))
        assert.ok(existsSync(join(ROOT, file)), `${name}: ${file}`);
  });

  it('pins every version', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  it('is what continuous integration runs', () => {
    assert.match(read('.ci/run'), /^npm ci && npm test$/m);
    assert.match(read('README.md'), /^npm ci && npm test$/m);
  });
});
