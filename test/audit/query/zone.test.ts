/** Local times across the changes of the clocks; the judge is what the clocks show, asked the other way round. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseQuery } from '../../../src/audit/query/parse.ts';
import { parseMoment } from '../../../src/audit/query/time.ts';
import { localOf, momentOf, zoneNamed } from '../../../src/audit/query/zone.ts';
import { NOON, query } from '../sample.ts';

const at = (iso: string): number => Date.parse(iso);
const utc = (iso: string): number => Date.parse(`${iso}Z`);

describe('a zone', () => {
  it('is known by its name, and nothing else is one', () => {
    assert.equal(zoneNamed('europe/berlin'), 'Europe/Berlin');
    assert.equal(zoneNamed('UTC'), 'UTC');
    for (const name of ['Berlin', '', '+01:00', 'Europe/Berlin; DROP', 'Mars/Olympus', 'x'.repeat(60)])
      assert.equal(zoneNamed(name), null, name);
  });

  it('tells moments of local times, also when the clocks are changed', () => {
    for (const [zone, local, moment] of [
      ['UTC', '2026-07-01T12:00', '2026-07-01T12:00Z'],
      ['Europe/Berlin', '2026-07-01T12:00', '2026-07-01T12:00+02:00'],
      ['Europe/Berlin', '2026-12-01T12:00', '2026-12-01T12:00+01:00'],
      // Skipped: 02:30 is not on any clock, the change is meant. Twice: the first of the two.
      ['Europe/Berlin', '2026-03-29T02:30', '2026-03-29T03:00+02:00'],
      ['Europe/Berlin', '2026-03-29T03:00', '2026-03-29T03:00+02:00'],
      ['Europe/Berlin', '2026-10-25T02:30', '2026-10-25T02:30+02:00'],
      ['Europe/Berlin', '2026-10-25T03:00', '2026-10-25T03:00+01:00'],
      ['America/New_York', '2026-11-01T01:30', '2026-11-01T01:30-04:00'],
      ['Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-05T01:45+11:00'],
      ['Asia/Kathmandu', '2026-04-05T01:45', '2026-04-05T01:45+05:45'],
    ] as const)
      assert.equal(momentOf(utc(local), zone), at(moment), `${local} ${zone}`);
  });

  it('goes there and back for every hour of a year, but for those that are skipped', () => {
    for (const zone of ['Europe/Berlin', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Tehran']) {
      let off = 0;
      for (let hour = 0; hour < 24 * 366; hour++) {
        const local = utc('2026-01-01T00:15') + hour * 3_600_000;
        if (localOf(momentOf(local, zone), zone) !== local) off++;
      }
      assert.ok(off <= 1, `${zone}: ${off}`);
    }
  });
});

describe('times in a zone', () => {
  it('have days of 23 and 25 hours', () => {
    for (const [day, hours] of [
      ['2026-03-29', 23],
      ['2026-10-25', 25],
      ['2026-10-26', 24],
    ] as const) {
      const m = parseMoment(day, NOON, 'Europe/Berlin') ?? assert.fail();
      assert.equal((m.to - m.from) / 3_600_000, hours, day);
    }
    const now = at('2026-10-26T00:30+01:00');
    const yesterday = parseMoment('yesterday', now, 'Europe/Berlin') ?? assert.fail();
    assert.deepEqual(
      [yesterday.from, yesterday.to],
      [at('2026-10-25T00:00+02:00'), at('2026-10-26T00:00+01:00')],
    );
    assert.equal(parseMoment('today', now)?.from, at('2026-10-25T00:00Z'), 'UTC without a zone');
  });

  it('that name an offset keep it', () => {
    assert.equal(
      parseMoment('2026-11-20T10:00+05:00', NOON, 'Europe/Berlin')?.from,
      at('2026-11-20T10:00+05:00'),
    );
    assert.equal(parseMoment('2026-11-20Z', NOON, 'Europe/Berlin')?.from, at('2026-11-20T00:00Z'));
  });
});

/** The range of the only time test of a query. */
function rangeOf(text: string): [number | null, number | null] {
  const node = query(text).root;
  const parts = node.kind === 'and' ? node.parts : [node];
  const test = parts.flatMap(p => (p.kind === 'field' && p.field.name === 'time' ? p.test : []))[0];
  return test?.op === 'range' ? [test.min, test.max] : assert.fail(text);
}

describe('in a query', () => {
  it('since and until are bounds of the time, the minus of "ago" may be written', () => {
    const hours = (n: number): number => NOON - n * 3_600_000;
    assert.deepEqual(rangeOf('since:2h'), [hours(2), null]);
    assert.deepEqual(rangeOf('since:-2h'), [hours(2), null]);
    assert.deepEqual(rangeOf('time:>-2h'), [hours(2), null]);
    assert.deepEqual(rangeOf('time:-3h..-1h'), [hours(3), hours(1)]);
    assert.deepEqual(rangeOf('since:yesterday'), [at('2026-11-19T00:00Z'), null]);
    assert.deepEqual(rangeOf('until:today'), [null, at('2026-11-20T00:00Z')]);
    assert.deepEqual(rangeOf('time:2026-11-20T10:00+01:00..now'), [at('2026-11-20T09:00Z'), NOON]);
  });

  it('a zone holds for all of it, wherever it stands', () => {
    for (const text of ['zone:Europe/Berlin time:2026-11-19', 'time:2026-11-19 zone:europe/berlin'])
      assert.deepEqual(rangeOf(text), [at('2026-11-19T00:00+01:00'), at('2026-11-20T00:00+01:00') - 1]);
    const outer = parseQuery('since:2026-11-19', { kind: 'flows', now: NOON, zone: 'Asia/Tokyo' });
    assert.ok(outer.ok && outer.query.root.kind === 'field' && outer.query.root.test.op === 'range');
    assert.equal(outer.query.root.test.min, at('2026-11-19T00:00+09:00'));
  });

  it('what makes no sense is an error at its place', () => {
    for (const [text, start, message] of [
      ['host:a zone:Berlin', 7, /no time zone/],
      ['-zone:UTC a', 1, /whole query/],
      ['zone:UTC OR host:a', 0, /whole query/],
      ['(zone:UTC host:a) b', 1, /whole query/],
      ['zone:UTC zone:Europe/Berlin', 9, /two time zones/],
      ['since:tomorrow', 0, /no time/],
      ['until:', 0, /missing/],
      ['zone:', 0, /missing/],
      ['sinec:2h', 0, /no field "sinec"/],
    ] as const) {
      const outcome = parseQuery(text, { kind: 'exchanges', now: NOON });
      assert.ok(!outcome.ok, text);
      assert.match(outcome.error.message, message);
      assert.equal(outcome.error.start, start, text);
    }
  });
});
