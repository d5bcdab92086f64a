/** The page about the query language lists the fields there are, both ways, and its examples parse. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { FIELDS, fieldNamed, TIME_WORDS } from '../../../src/audit/query/ast.ts';
import { splitHead, HeaderHabits } from '../../../src/audit/store/headers.ts';
import { parseQuery } from '../../../src/audit/query/parse.ts';
import { NOON } from '../sample.ts';

const page = fs.readFileSync(new URL('../../../docs/query-language.md', import.meta.url), 'utf8');
const section = (name: string): string => page.split(`\n## ${name}\n`)[1]?.split('\n## ')[0] ?? '';

describe('docs/query-language.md', () => {
  it('lists every field with its kinds, and no other', () => {
    const listed = [...section('Fields').matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(m => [
      m[1],
      m[2]?.trim(),
    ]);
    assert.deepEqual(
      listed,
      FIELDS.map(f => [f.name, f.kinds.join(', ')]),
    );
    assert.equal(fieldNamed('host')?.type, 'host');
    assert.equal(fieldNamed('constructor'), undefined);
  });

  it('lists the words of time, with the help that the command line and the console give', () => {
    const listed = [...section('Times').matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(m => [
      m[1],
      m[2]?.trim(),
    ]);
    assert.deepEqual(
      listed,
      TIME_WORDS.map(w => [w.name, w.help]),
    );
  });

  it('shows only queries that parse', () => {
    const examples = [...(section('Values') + section('Putting terms together')).matchAll(/^\| (.*?) \|/gm)]
      .flatMap(row => [...(row[1] ?? '').matchAll(/`([^`]+)`/g)].map(m => m[1] ?? ''))
      .filter(text => text !== 'write');
    assert.ok(examples.length > 30, `${examples.length} examples`);
    for (const text of examples) {
      const kinds = ['exchanges', 'flows', 'events'] as const;
      const outcomes = kinds.map(kind => parseQuery(text, { kind, now: NOON }));
      const [first] = outcomes;
      assert.ok(
        outcomes.some(o => o.ok),
        `${text}: ${first?.ok === false ? first.error.message : ''}`,
      );
    }
  });

  it('names the header fields whose values free text does not see', () => {
    const bullet =
      section('Free text')
        .split('\n* ')
        .find(b => b.startsWith('Not found')) ?? '';
    const named = [...bullet.matchAll(/`([A-Z][\w-]+)`/g)].map(m => m[1]?.toLowerCase() ?? '');
    assert.ok(named.length > 5);
    const habits = new HeaderHabits();
    const block = `${[...named, 'server', 'x-other'].map(name => `${name}: v`).join('\r\n')}\r\n`;
    const head = splitHead(block, (name, value) => habits.classify(name, value));
    assert.equal(head.volatile.split('\r\n').length, named.length);
    assert.ok(head.stable.includes('server: v'));
  });
});
