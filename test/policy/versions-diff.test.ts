import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { policyChanges, unifiedDiff } from '../../src/policy/versions-diff.ts';
import { documentOf } from './facts.ts';

/** Carries a unified diff out, as `patch` would: the judge that knows nothing of how the diff was found. */
function patched(text: string, diff: string): string {
  if (diff === '') return text;
  const open = text === '' ? [] : text.split('\n');
  if (text.endsWith('\n')) open.pop();
  const ended = text === '' || text.endsWith('\n');
  const lines = open.map((line, i) => (i === open.length - 1 && !ended ? `${line}\0` : line));
  const out: string[] = [];
  let at = 0;
  const body = diff.split('\n').slice(2, -1);
  for (let i = 0; i < body.length; i++) {
    const row = body[i] ?? '';
    if (row.startsWith('@@')) {
      const m = /^@@ -(\d+)(?:,(\d+))? /.exec(row);
      const start = Number(m?.[1]) - (m?.[2] === '0' ? 0 : 1);
      while (at < start) out.push(lines[at++] ?? '');
      continue;
    }
    const unended = (body[i + 1] ?? '').startsWith('\\');
    const line = row.slice(1) + (unended ? '\0' : '');
    if (unended) i++;
    if (row[0] !== '+') assert.equal(lines[at++], line, 'the diff speaks of a line that is not there');
    if (row[0] !== '-') out.push(line);
  }
  while (at < lines.length) out.push(lines[at++] ?? '');
  return out.map(line => (line.endsWith('\0') ? line.slice(0, -1) : `${line}\n`)).join('');
}

describe('unifiedDiff', () => {
  it('is what diff -u writes', () => {
    const a = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n';
    const b = 'one\ntwo\nthree\nFOUR\nfive\nsix\nseven\neight\nnine\n';
    assert.equal(
      unifiedDiff(a, b, 'old', 'new'),
      [
        '--- old',
        '+++ new',
        '@@ -1,8 +1,9 @@',
        ' one',
        ' two',
        ' three',
        '-four',
        '+FOUR',
        ' five',
        ' six',
        ' seven',
        ' eight',
        '+nine',
        '',
      ].join('\n'),
    );
    assert.equal(unifiedDiff(a, a, 'old', 'new'), '');
    assert.equal(unifiedDiff('', 'x\n', 'a', 'b'), '--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n');
    assert.equal(
      unifiedDiff('x', 'x\n', 'a', 'b'),
      '--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n',
    );
  });

  it('leads from any text to any other', () => {
    const line = fc.constantFrom('a', 'b', 'c', '', '  d');
    const text = fc
      .tuple(fc.array(line, { maxLength: 40 }), fc.boolean())
      .map(([lines, ended]) => lines.join('\n') + (ended && lines.length > 0 ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(patched(a, unifiedDiff(a, b, 'a', 'b')), b);
      }),
      { numRuns: 500 },
    );
  });

  it('stays a valid diff beyond the bound of edits', () => {
    const a = Array.from({ length: 3000 }, (_, i) => `a${i}`).join('\n') + '\n';
    const b = Array.from({ length: 3000 }, (_, i) => `b${i}`).join('\n') + '\n';
    assert.equal(patched(a, unifiedDiff(a, b, 'a', 'b')), b);
  });
});

describe('policyChanges', () => {
  const lists = { banks: { digest: 'x', size: 3 } };
  const base = `version: 1
default: block
lists: { banks: { domains: [a.test] } }
rules:
  - { name: first, when: { host: 'list:banks' }, action: passthrough }
  - { name: second, action: inspect }
`;

  it('tells added, removed, changed and moved rules, lists and answers', () => {
    const after = `version: 1
default: inspect
doubt: { no-sni: block }
lists: { other: { domains: [b.test] } }
rules:
  - { name: second, action: inspect, owner: me }
  - { name: third, when: { user: bob }, action: block, block: alert }
`;
    assert.deepEqual(
      policyChanges(
        { document: documentOf(base), lists },
        { document: documentOf(after), lists: { other: { digest: 'y', size: 1 } } },
      ),
      [
        'default: block (page) → inspect (headers)',
        'doubt no-sni: rules → block',
        'list banks: removed, 3 names',
        'list other: added, 1 names',
        'rule "first": removed',
        'rule "second": owner changed',
        'rule "third": added at place 2, block (alert)',
      ],
    );
  });

  it('tells other profiles, ways and parents', () => {
    const of = (text: string) => ({ document: documentOf(`version: 1\n${text}`), lists: {} });
    assert.deepEqual(
      policyChanges(
        of("parents: { corp: ['a:1'], old: ['x:1'] }\nrules: [{ name: r, action: inspect }]\n"),
        of(
          "parents: { corp: { members: ['a:1', 'b:2'], spread: host, credentials: c }, new: ['y:1'] }\n" +
            'rules: [{ name: r, action: inspect, mask: strict, tls: tls13, parent: corp }]\n',
        ),
      ),
      [
        'parents corp: a:1 → a:1, b:2 (spread by host, credentials c)',
        'parents old: x:1 → none',
        'parents new: none → y:1',
        'rule "r": inspect (headers) → inspect (headers, mask strict, tls tls13, parent corp)',
      ],
    );
  });

  it('tells other contents of a list and another order', () => {
    const document = documentOf(base);
    assert.deepEqual(
      policyChanges({ document, lists }, { document, lists: { banks: { digest: 'z', size: 5 } } }),
      ['list banks: other contents, 3 → 5 names'],
    );
    const turned = { ...document, rules: [...document.rules].reverse() };
    assert.deepEqual(policyChanges({ document, lists }, { document: turned, lists }), [
      'order of rules: first, second → second, first',
    ]);
    assert.deepEqual(policyChanges({ document, lists }, { document, lists }), []);
  });

  it('is bounded', () => {
    const document = documentOf(base);
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`l${i}`, { digest: 'd', size: 1 }]),
    );
    const told = policyChanges({ document, lists: {} }, { document, lists: many });
    assert.equal(told.length, 201);
    assert.equal(told.at(-1), 'and 300 more changes');
  });
});
