/** A sieve passes exactly the rows that its condition, asked row by row, would; over columns of every width and with gaps. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { flagsOf, sift } from '../../../src/audit/query/sieve.ts';
import { BLOCK_ROWS } from '../../../src/audit/store/layout.ts';
import { looseStrip, packStrip, stripValues, unpackStrip } from '../../../src/audit/store/strip.ts';
import { makeRng } from '../../fuzz/rng.ts';
import type { BlockColumns, Sieve } from '../../../src/audit/query/sieve.ts';
import type { StripColumn } from '../../../src/audit/store/strip.ts';
import type { Rng } from '../../fuzz/rng.ts';

type Columns = Record<string, Float64Array>;

function columns(rng: Rng): Columns {
  const column = (value: () => number): Float64Array => Float64Array.from({ length: BLOCK_ROWS }, value);
  const spread = rng.pick([1, 200, 60_000, 2 ** 30]);
  return {
    what: column(() => 1 + rng.int(Math.min(spread, 3000))),
    who: rng.oneIn(4) ? column(() => 3) : column(() => 1 + rng.int(5)),
    us: column(() => (rng.oneIn(20) ? NaN : rng.int(spread))),
    up: column(() => rng.int(1000)),
    down: column(() => rng.int(spread)),
    req_rest: column(() => rng.int(4)),
    res_rest: column(() => 2),
  };
}

function asked(data: Columns, packed: boolean, absent: Set<number>): BlockColumns & { rows: number } {
  const block = {
    at: 7,
    rows: 0,
    column: (name: StripColumn) => {
      const values = data[name] ?? assert.fail(name);
      return packed ? unpackStrip(packStrip(values)) : looseStrip(values);
    },
    zone: (name: StripColumn) => block.column(name),
    numbers: (name: StripColumn) => stripValues(block.column(name)),
    present: () => Uint8Array.from({ length: BLOCK_ROWS }, (_, i) => (absent.has(i) ? 0 : 1)),
    rowsWhere: () => {
      block.rows++;
      return Uint8Array.from({ length: BLOCK_ROWS }, (_, i) => (i % 3 === 0 ? 1 : 0));
    },
  };
  return block;
}

function naive(sieve: Sieve, data: Columns, i: number): boolean {
  const value = (name: string): number => data[name]?.[i] ?? NaN;
  switch (sieve.op) {
    case 'all':
      return true;
    case 'none':
      return false;
    case 'ids':
      return sieve.columns.some(c => sieve.ids()[value(c)] === 1);
    case 'range': {
      const sum = sieve.columns.reduce((total, c) => total + value(c), 0);
      const { min, minOpen, max, maxOpen } = sieve.range;
      if (Number.isNaN(sum)) return false;
      return (
        (min === null || sum > min || (!minOpen && sum === min)) &&
        (max === null || sum < max || (!maxOpen && sum === max))
      );
    }
    case 'rows':
      return sieve.blocks?.has(7) !== false && i % 3 === 0;
    case 'and':
      return sieve.parts.every(p => naive(p, data, i));
    case 'or':
      return sieve.parts.some(p => naive(p, data, i));
    case 'not':
      return !naive(sieve.part, data, i);
  }
}

function random(rng: Rng, depth = 0): Sieve {
  if (depth < 3 && rng.oneIn(2)) {
    const parts = Array.from({ length: 1 + rng.int(3) }, () => random(rng, depth + 1));
    return rng.pick<Sieve>([
      { op: 'and', parts },
      { op: 'or', parts },
      { op: 'not', part: parts[0] ?? { op: 'all' } },
    ]);
  }
  const ids = Array.from({ length: 1 + rng.int(40) }, () => 1 + rng.int(rng.pick([5, 3000])));
  const [a, b] = [rng.int(2000), rng.int(70_000)];
  return rng.pick<Sieve>([
    { op: 'all' },
    { op: 'none' },
    { op: 'ids', columns: [rng.pick(['what', 'who'])], ids: () => flagsOf(ids) },
    { op: 'ids', columns: ['req_rest', 'res_rest'], ids: () => flagsOf([rng.oneIn(9) ? 2 : 3]) },
    {
      op: 'range',
      columns: rng.pick([['us'], ['down'], ['up', 'down']]),
      range: {
        min: rng.oneIn(3) ? null : Math.min(a, b),
        minOpen: rng.oneIn(2),
        max: rng.oneIn(3) ? null : Math.max(a, b),
        maxOpen: rng.oneIn(2),
      },
    },
    { op: 'rows', sql: '1', params: [], blocks: rng.pick([null, new Set([7]), new Set([8])]) },
  ]);
}

describe('a sieve', () => {
  it('passes what its condition says, row by row', () => {
    const rng = makeRng(41);
    for (let round = 0; round < 400; round++) {
      const data = columns(rng);
      const absent = new Set(rng.oneIn(2) ? [] : [0, rng.int(BLOCK_ROWS)]);
      // The ids of a set are drawn once, so that both judges see the same.
      const sieve = settled(random(rng));
      const passed = sift(sieve, asked(data, rng.oneIn(2), absent));
      const expected = Array.from({ length: BLOCK_ROWS }, (_, i) =>
        !absent.has(i) && naive(sieve, data, i) ? 1 : 0,
      );
      assert.deepEqual([...(passed ?? new Uint8Array(BLOCK_ROWS))], expected, JSON.stringify(sieve));
      assert.equal(passed === null, !expected.includes(1));
    }
  });

  it('asks the rows first while probes are left, and the whole set afterwards', () => {
    const data = columns(makeRng(1));
    let whole = 0;
    const single: number[] = [];
    const probe = {
      sql: '1',
      params: [],
      left: 2,
      known: () => false,
      has: (id: number) => {
        single.push(id);
        return id === 3;
      },
    };
    const sieve: Sieve = {
      op: 'ids',
      columns: ['who'],
      probe,
      ids: () => {
        whole++;
        return flagsOf([3]);
      },
    };
    const block = asked(data, true, new Set());
    for (let i = 0; i < 4; i++) sift(sieve, block);
    assert.deepEqual([block.rows, whole], [2, 2]);
    // Where something else left few rows, only these are asked.
    const few: Sieve = {
      op: 'range',
      columns: ['up'],
      range: { min: 7, minOpen: false, max: 7, maxOpen: false },
    };
    const places = [...(data['up'] ?? [])].flatMap((up, i) => (up === 7 ? i : []));
    data['who'] = Float64Array.from({ length: BLOCK_ROWS }, (_, i) => 2 + (i % 2));
    const passed = sift({ op: 'and', parts: [few, sieve] }, block);
    assert.deepEqual([block.rows, whole, single.length], [2, 2, places.length]);
    assert.deepEqual(
      places.filter(i => passed?.[i] === 1),
      places.filter(i => i % 2 === 1),
    );
  });
});

function settled(sieve: Sieve): Sieve {
  switch (sieve.op) {
    case 'ids': {
      const flags = sieve.ids();
      return { ...sieve, ids: () => flags };
    }
    case 'and':
    case 'or':
      return { ...sieve, parts: sieve.parts.map(settled) };
    case 'not':
      return { ...sieve, part: settled(sieve.part) };
    default:
      return sieve;
  }
}
