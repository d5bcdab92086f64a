/** Times as people write them, in a table; the clock is given. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseMoment, parseTime } from '../../../src/audit/query/time.ts';
import { DAY, NOON } from '../sample.ts';

const MIN = 60_000;

it('reads relative and absolute times', () => {
  const table: [string, number, number][] = [
    ['now', NOON, 0],
    ['30s', NOON - 30_000, 0],
    ['15m', NOON - 15 * MIN, 0],
    ['2h', NOON - 120 * MIN, 0],
    ['7d', NOON - 7 * DAY, 0],
    ['2w', NOON - 14 * DAY, 0],
    ['2026-11-20', NOON - DAY / 2, DAY],
    ['2026-11-20T10:00Z', NOON - 120 * MIN, MIN],
    ['2026-11-20 10:00', NOON - 120 * MIN, MIN],
    ['2026-11-20t10:00:05z', NOON - 120 * MIN + 5000, 1000],
    ['2026-11-20T10:00:05.25Z', NOON - 120 * MIN + 5250, 1],
    ['2026-11-20T10:00+01:00', NOON - 180 * MIN, MIN],
    ['2026-11-20T10:00-0530', NOON + 210 * MIN, MIN],
    ['2024-02-29', Date.UTC(2024, 1, 29), DAY],
  ];
  for (const [text, from, grain] of table) {
    const moment = parseMoment(text, NOON);
    assert.deepEqual([moment?.from, (moment?.to ?? 0) - (moment?.from ?? 0)], [from, grain], text);
    assert.equal(parseTime(` ${text} `, NOON), from);
  }
});

it('refuses what is none', () => {
  for (const text of [
    '',
    'tomorrow',
    '7',
    '7y',
    '--7d',
    '2026-02-30',
    '2026-13-01',
    '2026-11-20T24:00',
    '2026-11-20T10:60Z',
    '10:00',
    '20.11.2026',
    '2026-11-20T10',
    '99999999d',
  ])
    assert.equal(parseMoment(text, NOON), null, text);
});
