/** The Squid log as independent readers see it: calamaris and goaccess count as many lines as were written, none invalid. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { field, squidLine } from '../../../src/audit/export/squid.ts';
import { w3cHead, w3cLine } from '../../../src/audit/export/w3c.ts';
import { exchange, NOON, scratch, VERDICT } from '../sample.ts';
import { ACTIVE, fedEvent, fedExchange, fedFlow, nastyFed, whole } from './fed.ts';
import type { FedRow } from '../../../src/audit/store/store.ts';

const LINE =
  /^\d+\.\d{3} +\d+ [!-~]+ (?:TCP|NONE)_[A-Z_]+\/\d{3,} \d+ [!-~]+ [!-~]+ [!-~]+ HIER_[A-Z]+\/[!-~]+ [!-~]+$/;

const BLOCK = { ...VERDICT, action: 'block' as const };
const RECORDS: FedRow[] = [
  fedExchange({ user: 'alice', path: '/a b?q="1"' }),
  fedExchange({ method: 'POST', status: 500, contentType: null, path: '/\u00fcber' }),
  fedExchange({ status: null, fault: 'response-timeout' }),
  fedExchange({ verdict: BLOCK, status: 403 }),
  fedExchange({ client: '2001:db8::7', scheme: 'http', port: 80, host: '192.0.2.1' }),
  fedFlow(),
  fedFlow({ verdict: { ...VERDICT, action: 'passthrough' }, exchanges: 0 }),
  fedFlow({ verdict: BLOCK, exchanges: 0, fault: 'blocked-by-policy' }),
  fedFlow({ verdict: { ...VERDICT, action: 'passthrough' }, fault: 'origin-refused', bytesDown: 0 }),
  fedFlow({ facts: null, verdict: null, fault: 'ingress-malformed', originAddress: null }),
];

const written = (records: readonly FedRow[]): string =>
  records.map(fed => `${squidLine(whole(fed)) ?? ''}\n`).join('');

describe('the Squid log', () => {
  it('has the fields of the native format', () => {
    assert.equal(
      squidLine(whole(fedExchange({ user: 'bob', res: { ...exchange().res, size: 3912 } }))),
      '1795176000.013     13 10.1.2.3 TCP_MISS/200 3912 GET https://www.example.test/ bob HIER_DIRECT/www.example.test text/html',
    );
    assert.equal(
      squidLine(whole(fedFlow({ verdict: { ...VERDICT, action: 'passthrough' } }))),
      '1795176001.500   1500 10.1.2.3 TCP_TUNNEL/200 5000 CONNECT www.example.test:443 - HIER_DIRECT/192.0.2.7 -',
    );
    assert.match(squidLine(whole(fedFlow({ verdict: BLOCK }))) ?? '', / TCP_DENIED\/403 .* HIER_NONE\/- -$/);
    assert.match(squidLine(whole(fedFlow())) ?? '', / NONE_NONE\/200 0 CONNECT /);
    assert.equal(squidLine(whole(fedEvent())), null);
  });

  it('is one line of ten fields, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const line = squidLine(whole(fed));
        if (fed.kind === 'event') return assert.equal(line, null);
        assert.match(line ?? '', LINE);
        assert.doesNotMatch(line ?? '', ACTIVE);
      }),
      { numRuns: 400 },
    );
  });

  it('writes octets outside printable ASCII so that they can be read back', () => {
    assert.equal(decodeURIComponent(field('a b\u00fc\u{1f600}\n')), 'a b\u00fc\u{1f600}\n');
  });

  it('is read whole by calamaris', () => {
    const text = written([
      ...RECORDS,
      ...fc
        .sample(nastyFed, { numRuns: 60, seed: 5 })
        .filter(fed => fed.kind !== 'event' && fed.row.time === NOON),
    ]);
    const lines = text.trimEnd().split('\n').length;
    assert.ok(lines > 20);
    const run = spawnSync('calamaris', ['-a', '-n'], { input: text, encoding: 'utf8', timeout: 60_000 });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, new RegExp(`lines parsed:\\s+lines\\s+${lines}\\b`));
    assert.match(run.stdout, /invalid lines:\s+lines\s+0\b/);
  });

  it('is read whole by goaccess, and so is the W3C log', t => {
    const dir = scratch(t);
    const squid = goaccess(dir, written(RECORDS), [
      '--log-format=%x.%^ %~%L %h %^/%s %b %m %U %e %^',
      '--datetime-format=%s',
    ]);
    // goaccess knows no status 000, which Squid too writes where there was no answer.
    const unanswered = RECORDS.filter(fed => / \S+\/000 /.test(squidLine(whole(fed)) ?? '')).length;
    assert.deepEqual(squid, { total: RECORDS.length - unanswered, failed: unanswered });
    assert.equal(unanswered, 2);
    const requests = RECORDS.filter(fed => fed.kind === 'exchange' && fed.row.status !== null);
    const w3c = w3cHead(NOON) + requests.map(fed => `${w3cLine(whole(fed)) ?? ''}\n`).join('');
    const read = goaccess(dir, w3c, [
      '--log-format=%d %t %T %h %e %m %U %H %s %b %^ %u %R %^',
      '--date-format=%Y-%m-%d',
      '--time-format=%H:%M:%S',
    ]);
    assert.deepEqual(read, { total: requests.length, failed: 0 });
  });
});

/** Lines that goaccess took, and those it could not read. Directives are neither. */
function goaccess(dir: string, text: string, format: string[]): { total: number; failed: number } {
  const log = path.join(dir, 'access.log');
  const out = path.join(dir, 'report.json');
  fs.writeFileSync(log, text);
  const run = spawnSync(
    'goaccess',
    [log, ...format, '--no-global-config', '--no-progress', '--ignore-crawlers', '-o', out],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: dir } },
  );
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  const { general } = JSON.parse(fs.readFileSync(out, 'utf8')) as { general: Record<string, number> };
  return { total: general['valid_requests'] ?? -1, failed: general['failed_requests'] ?? -1 };
}
