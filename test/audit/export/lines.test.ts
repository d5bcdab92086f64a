/** Whatever a field holds, a record is one line, nothing in it acts, and a reader of JSON gets the exact text back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  csvLine,
  EXCHANGE_FIELDS,
  exported,
  FLOW_FIELDS,
  isoTime,
  jsonLine,
  visible,
} from '../../../src/audit/export/lines.ts';
import { exchangeRow, flowRow } from '../../../src/audit/store/rows.ts';
import { exchange, flow, HOSTILE } from '../sample.ts';

/** Characters no output may hold: they break lines, move terminals or turn text around. */
const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;
const nasty = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(fc.constantFrom('\r', '\n', '\u001b', ',', '"', '=', '\u2028', '\u009b', '\u202e', 'a'), {
      maxLength: 20,
    })
    .map(a => a.join('')),
);

describe('lines', () => {
  it('hold nothing active, whatever goes in', () => {
    fc.assert(
      fc.property(nasty, text => {
        assert.doesNotMatch(visible(text), ACTIVE);
        assert.doesNotMatch(csvLine([text, text]), ACTIVE);
        assert.doesNotMatch(jsonLine({ text, [text]: [text] }), ACTIVE);
      }),
      { numRuns: 1500 },
    );
  });

  it('of JSON give the exact text back', () => {
    fc.assert(fc.property(nasty, text => assert.deepEqual(JSON.parse(jsonLine({ text })), { text })));
  });

  it('of CSV can be split again into their cells', () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 1, maxLength: 6 }), cells => {
        const fields = csvLine(cells).match(/(?:"(?:[^"]|"")*"|[^,"]*)(?:,|$)/g) ?? [];
        assert.equal(
          fields.filter((f, i) => i < fields.length - 1 || f !== '').length <= cells.length + 1,
          true,
        );
        const parsed = parseCsv(csvLine(cells));
        assert.deepEqual(
          parsed,
          cells.map(cell => (/^[=+\-@\t\r]/.test(cell) ? `'${visible(cell)}` : visible(cell))),
        );
      }),
    );
  });

  it('of CSV start no formula, but leave numbers numbers', () => {
    for (const formula of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])
      assert.match(csvLine([formula]), /^"?'/, JSON.stringify(formula));
    assert.equal(csvLine([-5, 3.25, null, 'plain', ['h2', 'http/1.1']]), '-5,3.25,,plain,h2 http/1.1');
  });
});

/** RFC 4180, as plainly as it can be read. */
function parseCsv(line: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (quoted) {
      if (c !== '"') cell += c;
      else if (line.charAt(i + 1) === '"') cell += line.charAt(++i);
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') {
      cells.push(cell);
      cell = '';
    } else cell += c;
  }
  return [...cells, cell];
}

describe('exported rows', () => {
  it('have the fields of the command line contract, first and in order', () => {
    const contract =
      'exchange, flow, time, client, user, method, scheme, host, port, path, status, protocol, reqBytes, resBytes, ms, verdict, rule, policy, fault';
    assert.deepEqual(EXCHANGE_FIELDS.slice(0, 19), contract.split(', '));
    const ledger =
      'flow, time, client, user, host, port, sni, alpn, ja4, verdict, rule, policy, reason, bytesUp, bytesDown, ms, fault, exchanges';
    assert.deepEqual(FLOW_FIELDS.slice(0, 18), ledger.split(', '));
    for (const fields of [EXCHANGE_FIELDS, FLOW_FIELDS])
      assert.deepEqual(fields.filter(f => f !== 'masked').slice(-4), [
        'mask',
        'tlsProfile',
        'parent',
        'proxy',
      ]);
    const row = exported(exchangeRow(exchange(), 'sni.test'), EXCHANGE_FIELDS);
    assert.equal(row['time'], '2026-11-20T12:00:00.000Z');
    assert.ok(Object.values(row).every(v => v !== undefined));
    assert.ok(Object.values(exported(flowRow(flow()), FLOW_FIELDS)).every(v => v !== undefined));
  });
  it('say even times no date can hold', () => {
    assert.equal(isoTime(1e300), '1e+300');
  });
});
