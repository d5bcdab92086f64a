import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askShell } from '../../../src/control/doctor/shell.ts';
import { codes } from './bench.ts';

void test('variables that get in the way are named, their credentials are not', () => {
  assert.deepEqual(codes(askShell({ env: { PATH: '/bin', HTTPS_PROXY: '' } })), ['shell-clean']);
  const answers = askShell({
    env: {
      https_proxy: 'http://bob:hunter2@proxy.test:3128',
      NO_PROXY: 'localhost',
      SSLKEYLOGFILE: '/tmp/keys',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    },
  });
  assert.deepEqual(codes(answers), ['shell-proxy', 'shell-keylog', 'shell-unverified']);
  assert.deepEqual(answers[0]?.evidence, ['NO_PROXY=localhost', 'https_proxy=http://…@proxy.test:3128']);
  assert.doesNotMatch(JSON.stringify(answers), /hunter2|bob/);
});
