/** The manual: what the reader of documents makes of them, and that every document, link and anchor is what others rely on. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { parseQuery } from '../../src/audit/query/parse.ts';
import { SECTIONS } from '../../src/audit/query/ast.ts';
import type { ManualPage, Piece } from '../../web/client/manual/page.ts';
import { readManual } from '../../web/manual.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const PATHS = ['', 'reference/'].flatMap(folder =>
  readdirSync(join(DOCS, folder))
    .filter(name => name.endsWith('.md'))
    .map(name => folder + name),
);
const pages = new Map<string, ManualPage>(
  PATHS.map(path => [basename(path, '.md'), readManual(readFileSync(join(DOCS, path), 'utf8'), path)]),
);

describe('readManual', () => {
  const read = (text: string, path = 'a.md'): Piece[] => readManual(`# A\n\n${text}\n`, path).pieces.slice(1);

  it('keeps what a document says, as data', () => {
    assert.deepEqual(read('one\n*two* `a <b>` **c**'), [
      {
        tag: 'p',
        children: [
          'one ',
          { tag: 'em', children: ['two'] },
          ' ',
          { tag: 'code', children: ['a <b>'] },
          ' ',
          { tag: 'strong', children: ['c'] },
        ],
      },
    ]);
    assert.deepEqual(read('* x\n* y'), [
      { tag: 'ul', children: ['x', 'y'].map(text => ({ tag: 'li', children: [text] })) },
    ]);
    assert.deepEqual(read('```\n<i> & \\\n```'), [
      { tag: 'pre', children: [{ tag: 'code', children: ['<i> & \\'] }] },
    ]);
    assert.deepEqual(read('<!-- verbs -->\n\n![a picture](x.png)'), []);
  });

  it('gives headings the anchors that GitHub gives them', () => {
    const { title, sections } = readManual(
      '# T\n\n## What it *does*, and `--how`\n\n## Two\n\n### Two\n',
      'a.md',
    );
    assert.equal(title, 'T');
    assert.deepEqual(sections, [
      { id: 'what-it-does-and---how', text: 'What it does, and --how', level: 2 },
      { id: 'two', text: 'Two', level: 2 },
      { id: 'two-1', text: 'Two', level: 3 },
    ]);
  });

  it('leads links into the console, or makes them text', () => {
    const href = (text: string, path?: string): unknown => {
      const [paragraph] = read(text, path);
      assert.ok(typeof paragraph === 'object');
      const [link] = paragraph.children;
      return typeof link === 'object' ? link.href : link;
    };
    assert.equal(href('[x](#two)'), '#two');
    assert.equal(href('[x](b.md#two)'), '/help/b#two');
    assert.equal(href('[x](reference/b.md)'), '/help/b');
    assert.equal(href('[x](../b.md)', 'reference/a.md'), '/help/b');
    assert.equal(href('[x](https://example.com/a)'), 'https://example.com/a');
    for (const away of ['../README.md', 'http://example.com', 'x.png', '//example.com/a.txt'])
      assert.equal(href(`[x](${away})`), 'x', away);
  });

  it('refuses markup that pages do not know', () => {
    for (const text of [
      '<b>x</b>',
      'a <i>b</i>',
      '<script>x()</script>',
      '---',
      '> said',
      '# B\n\n##### five',
    ])
      assert.throws(() => read(text), /^Error: a\.md: /, text);
    assert.throws(() => readManual('no title', 'a.md'), /title/);
  });
});

describe('the manual', () => {
  it('leads from every link to a section that is there', () => {
    const links = (piece: Piece): string[] =>
      typeof piece === 'string'
        ? []
        : [...((piece.href ?? '').match(/^[#/].*/) ?? []), ...piece.children.flatMap(links)];
    const ids = (name: string): string[] => pages.get(name)?.sections.map(({ id }) => id) ?? [];
    let seen = 0;
    for (const [name, page] of pages)
      for (const link of page.pieces.flatMap(links)) {
        const [path = '', section] = link.split('#');
        const target = path === '' ? name : path.slice('/help/'.length);
        assert.ok(pages.has(target), `${name}: ${link}`);
        if (section !== undefined) assert.ok(ids(target).includes(section), `${name}: ${link}`);
        seen++;
      }
    assert.ok(seen > 10);
  });

  it('explains every kind of query error in a section of its own', () => {
    const headings = pages.get('query-language')?.sections.map(({ id }) => id);
    for (const section of SECTIONS) assert.ok(headings?.includes(section), section);
    const table: Readonly<Record<(typeof SECTIONS)[number], readonly string[]>> = {
      'putting-terms-together': ['a (b', 'a)', '()', 'AND b', 'a OR'],
      values: ['"abc', 'host:', 'host:""', 'status:abc', 'status:9..1', 'status:..', 'client:10.0.0.1/8'],
      times: ['time:soon', 'since:soon', 'until:', 'zone:Mars', 'NOT zone:UTC', 'zone:UTC zone:Asia/Tokyo'],
      'free-text': ['f*o', '///'],
      fields: ['hots:a', 'ja4:x', 'verdict:maybe', 'flow:!!'],
      'limits-and-errors': [
        'a '.repeat(101),
        'x'.repeat(4001),
        `${'('.repeat(50)}a`,
        'path:a*b*c*d*e*f*g*h*i*j',
      ],
    };
    for (const section of SECTIONS)
      for (const text of table[section]) {
        const parsed = parseQuery(text, { kind: 'exchanges', now: 0 });
        assert.equal(parsed.ok ? 'no error' : parsed.error.section, section, text.slice(0, 40));
      }
  });
});
