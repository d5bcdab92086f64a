import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { DOUBTS } from '../../src/core/verdict.ts';
import { CONDITION_KEYS } from '../../src/policy/parse-condition.ts';
import { DOUBT_ANSWERS, DOUBT_BLOCK, DOUBT_REASON } from '../../src/policy/rule.ts';

const docs = await readFile(new URL('../../docs/policy.md', import.meta.url), 'utf8');

it('every condition of doubt has answers, a way to tell it and a sentence, and the document lists just these', () => {
  for (const doubt of DOUBTS) {
    const row = docs
      .slice(docs.indexOf('## Doubt'))
      .split('\n')
      .find(line => line.startsWith(`| \`${doubt}\` |`));
    assert.ok(row, `docs/policy.md has no row for ${doubt}`);
    const cell = row.split('|').at(-2) ?? '';
    // Answers stand first in each clause; the default is the first of all.
    const told = cell.split(';').map(clause => /`([a-z]+)`/.exec(clause)?.[1]);
    assert.deepEqual(told, [...DOUBT_ANSWERS[doubt]]);
    assert.match(DOUBT_REASON[doubt], /^[A-Z].*\.$/);
    assert.ok(DOUBT_BLOCK[doubt]);
  }
});

it('the document names every condition', () => {
  for (const key of CONDITION_KEYS)
    assert.ok(docs.includes(`\`${key}`), `docs/policy.md does not tell of ${key}`);
});
