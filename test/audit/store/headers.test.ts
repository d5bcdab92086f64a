/** Header blocks taken apart come together byte for byte, whatever they hold; what repeats stays, what varies goes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HeaderHabits, joinHead, splitHead } from '../../../src/audit/store/headers.ts';
import { HOSTILE } from '../sample.ts';

describe('splitHead', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'Date',
      'ETag',
      'Referer',
      'X',
      ':',
      '\r\n',
      '\r',
      '\n',
      ' ',
      '\u0001',
      '\u0002',
      '\u0003',
      'v',
      ...HOSTILE,
    ),
    fc.string({ maxLength: 5 }),
  );
  const block = fc.array(part, { maxLength: 30 }).map(parts => parts.join(''));

  it('is undone by joinHead for any text and any habit', () => {
    fc.assert(
      fc.property(
        block,
        fc.array(fc.constantFrom('stable', 'varied', 'volatile'), { minLength: 1 }),
        (text, classes) => {
          let i = 0;
          const head = splitHead(text, () => classes[i++ % classes.length] as 'stable');
          assert.equal(joinHead(head), text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('takes out clocks and validators, keeps the rest, and keeps names searchable', () => {
    const habits = new HeaderHabits();
    const text = 'Server: nginx\r\nDate: Fri\r\nReferer: https://a/b\r\nETag: "1"\r\n';
    const head = splitHead(text, (name, value) => habits.classify(name, value));
    assert.equal(head.volatile, ': Fri\r\n: "1"');
    assert.equal(head.varied, ': https://a/b');
    assert.equal(head.words, 'Referer: https://a/b');
    for (const name of ['Server: nginx', 'Date', 'Referer', 'ETag'])
      assert.ok(head.stable.includes(name), name);
    assert.ok(!head.stable.includes('Fri'));
  });
});

describe('lines known to be stable', () => {
  it('are taken as they are, and what is hostile never becomes one', () => {
    const habits = new HeaderHabits();
    const known = new Set<string>();
    const split = (text: string) => splitHead(text, (name, value) => habits.classify(name, value), known);
    const texts = ['Server: a\r\nDate: x\r\n\u0001Server\r\n', 'Server: a\r\nCookie: b\r\n: c', '\u0003'];
    for (const text of [...texts, ...texts]) assert.equal(joinHead(split(text)), text);
    assert.ok(known.has('Server: a'));
    assert.ok(![...known].some(line => /^[\u0001-\u0003]/.test(line)));
    for (let i = 0; i < 10_000; i++) split(`no colon ${i}`);
    assert.ok(known.size <= 4096);
  });
});

describe('habits', () => {
  it('learn which names vary', () => {
    const habits = new HeaderHabits();
    const classes = Array.from({ length: 40 }, (_, i) => habits.classify('x-trace', `: ${i}`));
    assert.equal(classes[0], 'stable');
    assert.equal(classes.at(-1), 'varied');
    assert.equal(habits.classify('x-other', ': 1'), 'stable');
  });
  it('keep what comes again and again, however many values there are', () => {
    const habits = new HeaderHabits();
    const classes = Array.from({ length: 20_000 }, (_, i) => habits.classify('user-agent', `: ${i % 40}`));
    assert.equal(classes[39], 'varied');
    assert.equal(classes.at(-1), 'stable');
    const many = Array.from({ length: 200_000 }, (_, i) => habits.classify('x-shop', `: ${i % 400}`));
    assert.equal(many.at(-1), 'varied');
    assert.equal(habits.classify('x-long', ': '.padEnd(300, 'a')), 'varied');
  });
  it('are bounded: names beyond the bound vary at once', () => {
    const habits = new HeaderHabits();
    for (let i = 0; i < 256; i++) assert.equal(habits.classify(`x-${i}`, ': v'), 'stable');
    assert.equal(habits.classify('x-one-more', ': v'), 'varied');
    assert.equal(habits.classify('x-5', ': v'), 'stable');
  });
});
