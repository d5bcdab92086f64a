import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress, progressText } from '../../src/cli/progress.ts';

describe('progressText', () => {
  it('says where, how much, how fast, how long still', () => {
    const table: [Parameters<typeof progressText>[0], number, string][] = [
      [{ done: 0, unit: 'rows' }, 0, '0 rows'],
      [{ done: 1234, unit: 'rows' }, 500, '1,234 rows'],
      [{ done: 3000, unit: 'rows' }, 2000, '3,000 rows  1,500/s'],
      [
        { done: 1000, of: 4000, unit: 'rows', at: '2026-11-20' },
        10_000,
        '2026-11-20  1,000 of 4,000 rows  25 %  100/s  30 s left',
      ],
      [{ done: 3, of: 2, unit: 'rows' }, 1000, '3 of 2 rows  100 %  3/s'],
      [{ done: 0, of: 0, unit: 'bytes' }, 1000, '0 B of 0 B  100 %'],
      [{ done: 1536, of: 3 * 2 ** 30, unit: 'bytes' }, 100, '1.5 KiB of 3.0 GiB  0 %'],
      [
        { done: 200 * 2 ** 20, of: 2 ** 40, unit: 'bytes' },
        2000,
        '200 MiB of 1.0 TiB  0 %  100 MiB/s  2 h 54 min left',
      ],
      [{ done: 10, unit: 'names', share: 0.1 }, 20_000, '10 names  10 %  1/s  3 min 0 s left'],
      [{ done: 1, unit: 'rows', at: 'a\u001b[2Jb' }, 0, 'a\\x1b[2Jb  1 rows'],
    ];
    for (const [step, elapsed, text] of table) assert.equal(progressText(step, elapsed), text);
  });
});

describe('Progress', () => {
  const played = (
    isTTY: boolean,
    progress: boolean,
  ): { at: (ms: number, done: number) => void; end: () => void; out: string[] } => {
    const out: string[] = [];
    let clock = 0;
    const line = new Progress(
      { progress },
      { isTTY, columns: 30, write: (text: string) => out.push(text) },
      () => clock,
    );
    return {
      at: (ms, done) => {
        clock = ms;
        line.tell({ done, of: 1000, unit: 'rows', at: '2026-11-20' });
      },
      end: () => line.end(),
      out,
    };
  };

  it('is one line on a terminal, cut to its width, rewritten at most five times a second, taken away at the end', () => {
    const { at, end, out } = played(true, false);
    for (let ms = 0; ms <= 400; ms += 10) at(ms, ms);
    assert.deepEqual(out, [
      '\r\u001b[K2026-11-20  200 of 1,000 rows',
      '\r\u001b[K2026-11-20  400 of 1,000 rows',
    ]);
    end();
    end();
    assert.deepEqual(out.slice(2), ['\r\u001b[K']);
  });

  it('is nothing elsewhere, unless it was asked for: then a line every ten seconds', () => {
    const silent = played(false, false);
    const asked = played(false, true);
    for (const line of [silent, asked]) {
      for (let s = 0; s <= 25; s++) line.at(s * 1000, s * 10);
      line.end();
    }
    assert.deepEqual(silent.out, []);
    assert.deepEqual(asked.out, [
      '2026-11-20  100 of 1,000 rows  10 %  10/s  1 min 30 s left\n',
      '2026-11-20  200 of 1,000 rows  20 %  10/s  1 min 20 s left\n',
    ]);
  });

  it('begins anew with the next piece', () => {
    const { at, out } = played(false, true);
    at(0, 0);
    at(10_000, 1000);
    at(11_000, 0);
    at(21_000, 100);
    assert.equal(out[1], '2026-11-20  100 of 1,000 rows  10 %  10/s  1 min 30 s left\n');
  });
});
