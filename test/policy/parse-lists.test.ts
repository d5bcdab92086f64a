import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLists } from '../../src/policy/parse-lists.ts';
import { makeSigner } from '../helpers/minisign.ts';
import { YamlReader } from '../../src/policy/yaml-reader.ts';

function read(yaml: string): { sources: Record<string, unknown>; problems: string[] } {
  const reader = new YamlReader(yaml);
  const { sources } = readLists(reader, reader.root() ?? undefined);
  return { sources, problems: reader.problems.map(p => p.message) };
}

describe('lists of a policy', () => {
  it('come from a file, the document, a URL or traffic', () => {
    const { sources, problems } = read(`
a: { file: lists/a.txt }
b: { domains: [.b.test] }
c: { url: 'https://lists.example/c.txt', refresh: 6h, max-size: 2MiB, format: hosts }
d: { learned: pinned, min-clients: 9, within: 7d, refresh: 1h }
e: { url: 'http://lists.example/', sha256: ${'A'.repeat(64)} }
`);
    assert.deepEqual(problems, []);
    assert.deepEqual(sources, {
      a: { kind: 'file', file: 'lists/a.txt', allowPublicSuffix: false },
      b: { kind: 'inline', domains: ['.b.test'], allowPublicSuffix: false },
      c: {
        kind: 'url',
        url: 'https://lists.example/c.txt',
        refresh: 6 * 3_600_000,
        sha256: null,
        maxSize: 2 * 1024 * 1024,
        format: 'hosts',
        allowPublicSuffix: false,
      },
      d: {
        kind: 'learned',
        what: 'pinned',
        minClients: 9,
        within: 7 * 86_400_000,
        refresh: 3_600_000,
        allowPublicSuffix: false,
      },
      e: {
        kind: 'url',
        url: 'http://lists.example/',
        refresh: 86_400_000,
        sha256: 'a'.repeat(64),
        maxSize: 64 * 1024 * 1024,
        format: null,
        allowPublicSuffix: false,
      },
    });
  });

  it('may have to be signed, by one key or one of several', () => {
    const [one, two] = [makeSigner().publicKey, makeSigner().publicKey];
    const { sources, problems } = read(`
a: { file: a.txt, signed-by: ${one} }
b: { file: b.txt, signed-by: ['${one}', '${two}'], signature: sigs/b }
c: { url: 'https://lists.example/c', signed-by: ${two}, signature: 'https://lists.example/c.sig' }
`);
    assert.deepEqual(problems, []);
    const signed = Object.values(sources).map(s => (s as { signed?: unknown }).signed);
    assert.deepEqual(signed, [
      { keys: [one], at: null },
      { keys: [one, two], at: 'sigs/b' },
      { keys: [two], at: 'https://lists.example/c.sig' },
    ]);
    for (const [yaml, message] of [
      ['a: { file: x, signed-by: hello }', /"hello" is no public key of minisign/],
      ['a: { file: x, signed-by: [] }', /needs one key/],
      ['a: { file: x, signature: y }', /means nothing without "signed-by"/],
      [`a: { file: x, signed-by: ${one}, signature: '' }`, /path of the signature is empty/],
      [`a: { domains: [a.test], signed-by: ${one} }`, /means nothing for a list from "domains"/],
      [`a: { url: 'https://l.test/', signed-by: ${one}, signature: 'http://l.test/s' }`, /no usable URL/],
      [`a: { url: 'http://l.test/', signed-by: ${one} }`, /fetched by https/],
    ] as const)
      assert.match(read(yaml).problems.join('\n'), message, yaml);
  });

  it('have exactly one source, and only keys that mean something for it', () => {
    for (const [yaml, message] of [
      ['a: {}', /needs one of/],
      ['a: { file: x, url: https://a.test/ }', /needs one of/],
      ['a: { file: x, refresh: 1h }', /"refresh" means nothing for a list from "file"/],
      ['a: { learned: pinned, allow-public-suffix: true }', /means nothing/],
      ['a: { learned: nothing }', /nothing/],
      ['a: { url: ftp://a.test/ }', /fetched by https/],
      ['a: { url: http://a.test/ }', /fetched by https/],
      ["a: { url: 'https://me:secret@a.test/' }", /no usable URL/],
      ['a: { url: nonsense }', /no usable URL/],
      ['a: { url: https://a.test/, sha256: abc }', /no SHA-256/],
      ['a: { url: https://a.test/, refresh: 5s }', /cannot be "5s"/],
      ['a: { url: https://a.test/, max-size: 9GiB }', /cannot be "9GiB"/],
      ['a: { learned: seen, min-clients: 0 }', /cannot be "0"/],
    ] as const) {
      const { problems } = read(yaml);
      assert.equal(problems.length, 1, `${yaml}: ${problems.join('; ')}`);
      assert.match(problems[0] ?? '', message);
    }
  });
});
