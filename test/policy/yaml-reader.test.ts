import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { YamlReader, nearest } from '../../src/policy/yaml-reader.ts';

describe('yaml reader', () => {
  it('suggests only what is near', () => {
    const keys = ['rules', 'lists', 'default', 'no-sni'];
    assert.equal(nearest('ruels', keys), 'rules');
    assert.equal(nearest('Default', keys), 'default');
    assert.equal(nearest('nosni', keys), 'no-sni');
    assert.equal(nearest('something', keys), null);
    assert.equal(nearest('', keys), null);
  });

  it('follows aliases, and keeps numbers as they are written', () => {
    const reader = new YamlReader('a: &x [ 1.30, two ]\nb: *x\n');
    const root = reader.root();
    assert.ok(root);
    const b = reader.mapping(root, null)?.get('b');
    assert.ok(b);
    assert.deepEqual(
      reader.items(b).map(i => reader.text(i)),
      ['1.30', 'two'],
    );
    assert.deepEqual(reader.problems, []);
  });

  it('stops at a document that expands without end', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) =>
        `l${i}: &l${i} [ ${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*l${i - 1}`)).join(', ')} ]`,
    );
    const reader = new YamlReader(levels.join('\n'));
    const root = reader.root();
    assert.ok(root);
    const walk = (place: Parameters<YamlReader['items']>[0]): void => {
      if (reader.problems.length > 0) return;
      if (reader.isSequence(place)) for (const item of reader.items(place)) walk(item);
    };
    const last = reader.mapping(root, null)?.get('l8');
    assert.ok(last);
    walk(last);
    assert.match(reader.problems[0]?.message ?? '', /too many values/);
  });
});
