/** The table of formats: each kind it names can be written, a record is one line whatever it holds, and JSON formats parse. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FILE_FORMATS, fileWriter, FORMAT_INFO } from '../../../src/audit/export/formats.ts';
import { headField, severityOf, urlOf } from '../../../src/audit/export/facts.ts';
import { plain } from '../../../src/audit/export/json.ts';
import { NOON, VERDICT } from '../sample.ts';
import { ACTIVE, body, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';
import type { FedRow } from '../../../src/audit/store/store.ts';

const KIND = { exchange: 'exchanges', flow: 'flows', event: 'events' } as const;
const context = { sender: SENDER, now: NOON };

describe('formats', () => {
  for (const format of FILE_FORMATS)
    it(`${format} writes a line for each kind it names`, () => {
      for (const fed of [fedExchange(), fedFlow(), fedEvent()] as FedRow[]) {
        const kind = KIND[fed.kind];
        if (!FORMAT_INFO[format].kinds.includes(kind)) continue;
        const writer = fileWriter(format, kind, context);
        const text = writer.head + writer.line(fed) + writer.tail(null);
        assert.match(text, /example\.test|policy\.applied/, kind);
        if (format === 'har' || FORMAT_INFO[format].extension === 'ndjson')
          for (const part of format === 'har' ? [text] : text.trimEnd().split('\n')) JSON.parse(part);
      }
    });

  it('keep one record one line, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fc.constantFrom(...FILE_FORMATS), (fed, format) => {
        const kind = KIND[fed.kind];
        if (!FORMAT_INFO[format].kinds.includes(kind)) return;
        const line = fileWriter(format, kind, context).line(fed);
        assert.doesNotMatch(line.replace(/\n$/, ''), ACTIVE);
      }),
      { numRuns: 500 },
    );
  });

  it('say the truth about their end where they can', () => {
    const end = { rows: 3, truncated: true };
    assert.match(fileWriter('ndjson', 'flows', context).tail(end), /"truncated":true/);
    assert.equal(
      fileWriter('csv', 'flows', { ...context, crlf: true }).tail(end),
      '# rows=3 truncated=true\r\n',
    );
    assert.match(
      fileWriter('har', 'exchanges', context).tail(end),
      /"_sightglass":\{"rows":3,"truncated":true\}/,
    );
    assert.equal(fileWriter('cef', 'exchanges', context).tail(end), '');
  });
});

describe('a record in our own words', () => {
  it('has the contract fields first, then what else is known', () => {
    const fed = fedExchange(
      { reqHeaders: 'User-Agent: curl\r\n' },
      { req: null, res: body(Buffer.from('hi')) },
    );
    const sent = plain(whole(fed), SENDER, { heads: true, bodies: true });
    assert.deepEqual(Object.keys(sent).slice(0, 4), ['kind', 'exchange', 'flow', 'time']);
    assert.deepEqual([sent['userAgent'], sent['resBody'], sent['reqBody']], ['curl', 'aGk=', null]);
    assert.equal(
      plain(whole(fedFlow()), SENDER, { heads: false, bodies: false })['originAddress'],
      '192.0.2.7',
    );
  });
});

describe('facts', () => {
  it('put a URL together that ends its host where the host ends', () => {
    const row = { scheme: 'https', host: '2001:db8::1', port: 8443, path: '*' };
    assert.equal(urlOf(row), 'https://[2001:db8::1]:8443/*');
  });
  it('find a field of a head without its case', () => {
    assert.equal(headField('A: 1\r\nuser-AGENT:  x: y \r\n', 'user-agent'), 'x: y');
    assert.equal(headField(undefined, 'a'), null);
  });
  it('call a block by policy no failure', () => {
    assert.equal(severityOf(fedEvent({ name: 'recorder.failing' })), 'warning');
    const verdict = { ...VERDICT, action: 'block' as const };
    assert.equal(severityOf(fedFlow({ verdict, fault: 'blocked-by-policy' })), 'notice');
  });
});
