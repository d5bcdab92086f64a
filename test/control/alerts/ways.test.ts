/** The ways of alerts as the settings name them. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { alertWays } from '../../../src/control/alerts/ways.ts';
import { parseNetwork } from '../../../src/core/network.ts';
import { scratch } from '../../audit/sample.ts';

test('mail server, credentials and networks', t => {
  const file = path.join(scratch(t), 'credentials');
  fs.writeFileSync(file, 'user:pa:ss\nsecond line\n');
  const usual = {
    'egress.allow': [parseNetwork('10.1.0.0/16')!, parseNetwork('::1')!],
    'origin.extra-ca': ['/ca.pem'],
    'alerts.mail-server': null,
    'alerts.mail-from': 'a@b.c',
    'alerts.mail-credentials-file': null,
  };
  assert.deepEqual(alertWays(usual), { allow: ['10.1.0.0/16', '::1/128'], caFiles: ['/ca.pem'], mail: null });
  const mail = (server: string) =>
    alertWays({ ...usual, 'alerts.mail-server': server, 'alerts.mail-credentials-file': file }).mail;
  assert.deepEqual(mail('smtp.example.com'), {
    ...{ host: 'smtp.example.com', port: 587, security: 'starttls', from: 'a@b.c' },
    credentials: { user: 'user', pass: 'pa:ss' },
  });
  assert.equal(mail('[2001:db8::1]:465')?.security, 'tls');
  assert.throws(() => mail('a:b:c'), /is no HOST:PORT/);
  fs.writeFileSync(file, 'nonsense\n');
  assert.throws(() => mail('smtp.example.com'), /no user:password/);
});
