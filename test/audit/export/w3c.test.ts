/** The W3C extended log: directives first, then as many fields as they name, whatever goes in. goaccess reads it in squid.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { w3cHead, w3cLine } from '../../../src/audit/export/w3c.ts';
import { NOON } from '../sample.ts';
import { ACTIVE, fedExchange, fedFlow, nastyFed, whole } from './fed.ts';

describe('the W3C log', () => {
  const head = w3cHead(NOON);
  const fields = /^#Fields: (.*)$/m.exec(head)?.[1]?.split(' ') ?? [];

  it('begins with its directives', () => {
    assert.match(
      head,
      /^#Version: 1\.0\n#Software: Sightglass\n#Date: 2026-11-20 12:00:00\n#Fields: date time /,
    );
  });

  it('has a line per exchange, `-` for what is not known, `+` for spaces', () => {
    const line =
      w3cLine(whole(fedExchange({ reqHeaders: 'User-Agent: Mozilla/5.0 (X11; Linux)\r\n' }))) ?? '';
    const values = line.split(' ');
    const of = (name: string): string | undefined => values[fields.indexOf(name)];
    assert.deepEqual(
      [of('date'), of('time'), of('time-taken'), of('c-ip'), of('cs-username'), of('sc-status')],
      ['2026-11-20', '12:00:00', '0.013', '10.1.2.3', '-', '200'],
    );
    assert.equal(of('cs(User-Agent)'), 'Mozilla/5.0+(X11;+Linux)');
    assert.equal(w3cLine(whole(fedFlow())), null);
  });

  it('has as many values as fields, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const line = w3cLine(whole(fed));
        if (fed.kind !== 'exchange') return assert.equal(line, null);
        assert.doesNotMatch(line ?? '', ACTIVE);
        const values = (line ?? '').split(' ');
        assert.equal(values.length, fields.length);
        assert.ok(values.every(value => /^[!-~]+$/.test(value)));
      }),
      { numRuns: 300 },
    );
  });
});
