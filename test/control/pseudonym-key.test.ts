/** The key of the present period in its file, and what stops a start. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeOfficerKeys } from '../../src/audit/sealed-name.ts';
import { openPseudonyms, periodKey, PrivacyError } from '../../src/control/pseudonym-key.ts';
import type { Settings } from '../../src/settings/catalogue.ts';
import { DAY, NOON, scratch } from '../audit/sample.ts';

test('a key is made once, kept privately, turned at the end of a period, and the old one is gone', t => {
  const dir = path.join(scratch(t), 'privacy');
  const file = path.join(dir, 'period.json');
  const first = periodKey(dir, 30, NOON);
  assert.deepEqual(periodKey(dir, 30, NOON), first);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
  const later = periodKey(dir, 30, NOON + 31 * DAY);
  assert.notDeepEqual(later.key, first.key);
  assert.ok(!fs.readFileSync(file, 'utf8').includes(first.key.toString('base64')));
  assert.deepEqual(fs.readdirSync(dir), ['period.json']);
  assert.notDeepEqual(periodKey(dir, 7, NOON).key, later.key, 'other periods, other key');
});

test('a damaged file is an error and stays', t => {
  const dir = scratch(t);
  const file = path.join(dir, 'period.json');
  for (const text of ['', '{', '{"days":30,"period":1,"key":"short"}', '{"days":"x"}', 'null']) {
    fs.writeFileSync(file, text);
    assert.throws(() => periodKey(dir, 30, NOON), PrivacyError);
    assert.equal(fs.readFileSync(file, 'utf8'), text);
  }
});

test('clear needs nothing; pseudonyms need the officer’s public key', t => {
  const dir = scratch(t);
  const pem = path.join(dir, 'officer.pem');
  const settings = (more: Partial<Settings>): Settings =>
    ({
      'data-dir': dir,
      'privacy.users': 'clear',
      'privacy.clients': 'clear',
      'privacy.officer-key': null,
      'privacy.period-days': 30,
      ...more,
    }) as Settings;
  assert.equal(openPseudonyms(settings({}), NOON), null);
  assert.throws(
    () => openPseudonyms(settings({ 'privacy.users': 'pseudonym' }), NOON),
    /need privacy\.officer-key/,
  );
  const pair = makeOfficerKeys(null);
  const wanted = { 'privacy.clients': 'pseudonym', 'privacy.officer-key': pem } as const;
  fs.writeFileSync(pem, pair.privatePem);
  assert.throws(() => openPseudonyms(settings(wanted), NOON), /must not be on this machine/);
  fs.writeFileSync(pem, pair.publicPem);
  const start = openPseudonyms(settings(wanted), NOON);
  assert.deepEqual([start?.users, start?.clients, start?.officer], [false, true, pair.publicPem]);
});
