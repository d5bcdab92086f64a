import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askParents } from '../../../src/control/doctor/parents.ts';
import { freePort } from '../../helpers/free-port.ts';
import { startRawOrigin } from '../../helpers/origin.ts';
import { startParent } from '../../helpers/parent.ts';
import { OriginCa } from '../../helpers/proxy.ts';
import { codes, folder, patient } from './bench.ts';

void test('each member of each group answers for itself', async t => {
  const origin = await startRawOrigin();
  t.after(() => origin.stop());
  const [open, guarded, strict] = [await startParent(), await startParent(), await startParent()];
  for (const parent of [open, guarded, strict]) t.after(() => parent.stop());
  guarded.answer = 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n';
  strict.answer = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n';
  const at = (port: number) => `127.0.0.1:${port}`;
  const who = patient(folder(t), { hosts: [{ host: 'origin.test', port: origin.port }] });
  assert.deepEqual(codes(await askParents(who, [])), ['parent-none']);
  const answers = await askParents(who, [
    { group: 'a', via: [at(open.port), at(guarded.port)] },
    { group: 'b', via: [at(strict.port), at(await freePort())] },
  ]);
  assert.deepEqual(codes(answers), ['parent-good', 'parent-auth', 'parent-refused', 'parent-silent']);
  assert.match(
    answers[1]?.finding ?? '',
    new RegExp(`127\\.0\\.0\\.1:${guarded.port} \\(a\\) wants credentials`),
  );
  assert.match(answers[2]?.evidence[0] ?? '', /403 Forbidden/);
  assert.deepEqual(open.asked, [`CONNECT origin.test:${origin.port} HTTP/1.1`]);
});

void test('credentials that cannot be read and a certificate that cannot be verified are told apart from silence', async t => {
  const ca = new OriginCa();
  const secure = await startParent({ tls: await ca.certificate('proxy.test') });
  t.after(() => secure.stop());
  t.after(() => ca.remove());
  const who = patient(folder(t), { hosts: [{ host: 'used.test', port: 443 }] });
  const answers = await askParents(who, [
    { group: 'a', via: ['127.0.0.1:9'], login: 'not-there' },
    { group: 'b', via: [`https://127.0.0.1:${secure.port}`] },
  ]);
  assert.deepEqual(codes(answers), ['parent-login', 'parent-untrusted']);
  assert.match(answers[0]?.evidence.join() ?? '', /secret "not-there": ENOENT/);
});
