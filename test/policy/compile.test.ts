import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compilePolicy,
  listFromBuffer,
  listFromPatterns,
  loadSnapshot,
  policyVersion,
} from '../../src/policy/compile.ts';
import type { PolicySnapshot } from '../../src/policy/compile.ts';
import { decide } from '../../src/policy/decide.ts';
import { compileDomainSet } from '../../src/policy/domain-set.ts';
import { documentOf, flow, policyOf } from './facts.ts';

const YAML = `version: 1
lists: { l: { domains: [ .a.test, b.test ] } }
rules:
  - { name: in, when: { host: 'list:l' }, action: inspect }
`;

describe('compile', () => {
  it('versions follow the meaning: comments and order of keys do not count, contents of lists do', () => {
    const version = policyOf(YAML).version;
    assert.match(version, /^[0-9a-f]{12}$/);
    assert.equal(
      policyOf(
        `# hello\nrules:\n  - { action: inspect, when: { host: 'list:l' }, name: in }\nlists: { l: { domains: [ .a.test, b.test ] } }\nversion: 1\n`,
      ).version,
      version,
    );
    assert.notEqual(policyOf(YAML.replace('b.test', 'c.test')).version, version);
    const document = documentOf('version: 1\nlists: { l: { file: x } }\n');
    assert.notEqual(
      policyVersion(document, new Map([['l', 'aa']])),
      policyVersion(document, new Map([['l', 'bb']])),
    );
  });

  it('refuses to work without the contents of a list', () => {
    assert.throws(() => compilePolicy(documentOf(YAML), new Map()), /"l"/);
  });

  it('a snapshot survives JSON and decides the same; unchanged lists are not read again', async () => {
    const document = documentOf(YAML.replace('domains: [ .a.test, b.test ]', 'file: x'));
    const buffer = compileDomainSet([{ name: 'a.test', match: 'both' }]);
    const { digest } = listFromBuffer(buffer);
    const small = listFromPatterns(['.c.test']);
    const snapshot: PolicySnapshot = {
      version: 'abc',
      document: {
        ...document,
        lists: { ...document.lists, s: { kind: 'inline', domains: [], allowPublicSuffix: false } },
      },
      lists: {
        l: { kind: 'file', path: '/nowhere', digest, size: 1 },
        s: { kind: 'inline', patterns: ['.c.test'], digest: small.digest },
      },
    };
    const wire = JSON.parse(JSON.stringify(snapshot)) as PolicySnapshot;
    const reads: string[] = [];
    const readSet = async (path: string): Promise<Buffer> => {
      reads.push(path);
      return buffer;
    };
    const first = await loadSnapshot(wire, readSet);
    assert.equal(first.version, 'abc');
    assert.equal(decide(flow('www.a.test'), first).action, 'inspect');
    assert.equal(decide(flow('www.b.test'), first).action, 'block');
    assert.ok(first.lists.get('s')?.set.match('c.test'));
    const second = await loadSnapshot(wire, readSet, first);
    assert.deepEqual(reads, ['/nowhere']);
    assert.equal(second.lists.get('l')?.set, first.lists.get('l')?.set);
  });

  it('a damaged list is an error, not an empty list', async () => {
    const document = documentOf(YAML.replace('domains: [ .a.test, b.test ]', 'file: x'));
    const snapshot: PolicySnapshot = {
      version: 'abc',
      document,
      lists: { l: { kind: 'file', path: '/nowhere', digest: 'x', size: 1 } },
    };
    await assert.rejects(
      loadSnapshot(snapshot, async () => Buffer.from('garbage')),
      /domain set/,
    );
  });
});
