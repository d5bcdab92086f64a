/**
 * The whole way: what a client sends through the product, under pseudonyms and masking, is nowhere on its disk in clear; who
 * holds the officer's key finds the person again.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { curl } from '../helpers/curl.ts';
import { startNginx } from '../helpers/nginx.ts';
import { runCli, startProduct } from '../helpers/product.ts';
import { makeTestCa } from '../helpers/tls-authority.ts';

const NAMES = ['ec.test', 'open.test'];
const POLICY = `version: 1
default: block
masking:
  staff: { fields: [badge], national: [us-ssn], patterns: { badge-no: 'EMP-[0-9]{5}' } }
  open: { originals: keep, reason: a test }
rules:
  - { name: kept, when: { host: open.test }, action: inspect, capture: bodies, mask: open, reason: agreed }
  - { name: masked, when: { host: '*.test' }, action: inspect, capture: bodies, mask: staff }
`;
const SECRETS = [
  'hunter2-secret',
  '4111111111111111',
  'EMP-12345',
  '536-90-4399',
  'badge-of-ada',
  'ada.lovelace',
];

test('nothing of what is masked, and no name of a user, is on the disk; the officer finds the user', async () => {
  const ca = makeTestCa();
  const nginx = await startNginx({ ca, names: NAMES });
  const keys = mkdtempSync(join(tmpdir(), 'sightglass-officer-'));
  const [dpo, pub] = [join(keys, 'dpo.pem'), join(keys, 'dpo.pub')];
  assert.equal((await runCli('audit', 'officer-key', '--private', dpo, '--public', pub)).code, 0);
  const product = await startProduct({
    workers: 1,
    policy: POLICY,
    flags: {
      'proxy.auth': 'basic',
      'privacy.users': 'pseudonym',
      'privacy.officer-key': pub,
      'origin.trust': 'none',
      'origin.extra-ca': ca.caFile,
      'origin.resolve': NAMES.map(name => `${name}=127.0.0.1`),
    },
  });
  try {
    const password = join(keys, 'password');
    writeFileSync(password, 'correct horse battery\n', { mode: 0o600 });
    assert.equal((await product.cli('user', 'add', 'ada.lovelace', '--password-file', password)).code, 0);
    const via = ['--proxy', product.url, '--proxy-user', 'ada.lovelace:correct horse battery'];
    const post = (host: string, body: string) =>
      curl(
        ...via,
        '--cacert',
        product.caFile,
        '--header',
        'Content-Type: application/json',
        '--data-binary',
        body,
        `https://${host}:${nginx.ec}/1k?n=4111111111111111`,
      );
    const body = JSON.stringify({
      password: 'hunter2-secret',
      badge: 'badge-of-ada',
      note: 'EMP-12345 536-90-4399 4111 1111 1111 1111',
    });
    await post('ec.test', body);
    const [row] = await product.eventually('search', 'masked:card', rows => rows.length === 1);
    assert.match(String(row?.['user']), /^p-[0-9a-z]{16}$/);
    assert.equal(row?.['mask'], 'staff');
    for (const what of ['path:card=1', 'req-body:json=2', 'req-body:us-ssn=1', 'req-body:pattern:badge-no=1'])
      assert.ok(String(row?.['masked']).includes(what), String(row?.['masked']));

    const held = readTree(product.dataDir, /^(?:audit|spool)\//);
    for (const secret of SECRETS) assert.ok(!held.includes(secret), `${secret} is on the disk`);

    const pseudonym = String(row?.['user']);
    const asked = await product.cli('audit', 'reidentify', pseudonym, '--key', dpo, '--reason', 'a test');
    assert.equal(asked.stdout.trim(), `${pseudonym}  ada.lovelace`, asked.stderr);

    await post('open.test', '{"password":"kept-on-purpose"}');
    const [open] = await product.eventually('search', 'masked:originals', rows => rows.length === 1);
    assert.equal(open?.['rule'], 'kept');
    assert.ok(readTree(product.dataDir, /^(?:audit|spool)\//).includes('kept-on-purpose'));
    assert.equal(await product.stop(), 0);
  } finally {
    await product.cleanUp();
    await nginx.stop();
    ca.remove();
    rmSync(keys, { recursive: true, force: true });
  }
});

/** All bytes of the files under these folders. Short bodies are stored as they are, so a text would be seen. */
function readTree(dir: string, where: RegExp): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => where.test(file.slice(dir.length + 1)))
    .map(file => readFileSync(file, 'latin1'))
    .join('\n');
}
