/** Credentials come from a file of one folder, and nothing of it is told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { basicLogin, createLogins } from '../../src/proxy/parent-login.ts';

const value = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('credentials of parents', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sightglass-secrets-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  test('are the first line of a file: user, colon, password', () => {
    assert.equal(basicLogin('ada:pa:ss wörd\n'), value('ada:pa:ss wörd'));
    assert.equal(basicLogin('ada:\r\nmore'), value('ada:'));
    for (const wrong of ['', 'ada', ':x', 'a\u0000:b', 'a:b\u0007', '\nada:x', 'ada:\ufffd'])
      assert.equal(basicLogin(wrong), null, JSON.stringify(wrong));
  });

  test('are read anew when a file changed, at the latest after two seconds', async () => {
    let now = 0;
    const logins = createLogins(dir, () => now);
    writeFileSync(join(dir, 'corp'), 'ada:one\n');
    assert.equal(await logins('corp'), value('ada:one'));
    writeFileSync(join(dir, 'corp'), 'ada:two\n');
    now = 1_999;
    assert.equal(await logins('corp'), value('ada:one'));
    now = 2_000;
    assert.equal(await logins('corp'), value('ada:two'));
  });

  test('that cannot be read are a fault, which says why and nothing else', async () => {
    const logins = createLogins(dir);
    writeFileSync(join(dir, 'wrong'), 'topsecret without a colon');
    const told = (detail: string) => (e: unknown) => {
      assert.ok(e instanceof Fault);
      assert.deepEqual([e.code, e.detail], ['parent-login', detail]);
      return true;
    };
    await assert.rejects(logins('missing'), told('secret "missing": ENOENT'));
    await assert.rejects(logins('wrong'), told('secret "wrong": its first line is no user:password'));
  });
});
