import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXPORTERS, IMPORTERS, detectFormat } from '../../../src/policy/lists/formats.ts';
import { writeList } from './helper.ts';

describe('formats', () => {
  it('are those of the command line contract', () => {
    assert.deepEqual(
      EXPORTERS.map(e => e.format).sort(),
      [
        'plain',
        'csv',
        'json',
        'hosts',
        'adblock',
        'squid',
        'squidguard',
        'dnsmasq',
        'unbound',
        'rpz',
        'haproxy',
        'nginx',
        'suricata',
        'pan-edl',
        'pac',
        'sightglass',
      ].sort(),
    );
    for (const f of [
      'plain',
      'hosts',
      'adblock',
      'dnsmasq',
      'unbound',
      'rpz',
      'squid',
      'squidguard',
      'csv',
      'json',
    ])
      assert.ok(
        IMPORTERS.some(i => i.format === f),
        f,
      );
  });

  /** Lists whose lines are also good plain ones: without the head that an export has they have to be named. */
  const LIKE_PLAIN = ['squid', 'squidguard', 'haproxy', 'pan-edl'];

  for (const { format } of EXPORTERS)
    it(`an export to ${format} is told by its head${LIKE_PLAIN.includes(format) ? ', without it to be like plain' : ' and by its content'}`, () => {
      const text = Object.values(writeList(format, ['.a.test', 'b.test', '.c.test']).texts)[0] ?? '';
      const own = format === 'pac' ? null : format;
      assert.equal(detectFormat(text)?.format ?? null, own);
      const headless = text.replace(/^.*Sightglass list.*\n/m, '');
      assert.equal(detectFormat(headless)?.format ?? null, LIKE_PLAIN.includes(format) ? 'plain' : own);
    });

  it('a few strange lines do not mislead, and what is no list is nothing', () => {
    assert.equal(detectFormat('0.0.0.0 a.test\n0.0.0.0 b.test\n||c.test^\n')?.format, 'hosts');
    assert.equal(detectFormat('\ufeff! Title\n||c.test^\n||d.test^\nexample.test##.ad\n')?.format, 'adblock');
    assert.equal(detectFormat('# only a comment\n'), null);
    assert.equal(detectFormat(''), null);
    assert.equal(detectFormat('<!DOCTYPE html>\n<html><body>Not found</body></html>\n'), null);
    assert.equal(detectFormat('The quick brown fox\njumps over\nthe lazy dog\n'), null);
  });
});
