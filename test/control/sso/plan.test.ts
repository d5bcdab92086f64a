import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { entranceOf, ssoPlan } from '../../../src/control/sso/plan.ts';
import { loadSettings } from '../../../src/settings/load.ts';

test('settings for single sign-on fit together or stop the start with a hint', t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-plan-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const secret = join(dir, 'secret');
  writeFileSync(secret, 'hidden\nsecond line\n');
  const settings = (flags: Record<string, string[]>) =>
    loadSettings({ flags: { 'data-dir': [dir], ...flags } });
  const whole = {
    'sso.issuer': ['https://login.example/tenant/v2.0'],
    'sso.client-id': ['sightglass'],
    'sso.client-secret-file': [secret],
    'sso.console-url': ['https://audit.example'],
    'sso.roles': ['audit-team=auditor', 'CN=Admins,DC=example=admin'],
  };
  assert.equal(ssoPlan(settings({})), null);
  assert.deepEqual(entranceOf(settings({})), { sso: false, local: 'all' });
  const plan = ssoPlan(settings(whole));
  assert.equal(plan?.clientSecret, 'hidden');
  assert.deepEqual(plan?.roles, [
    { value: 'audit-team', role: 'auditor' },
    { value: 'CN=Admins,DC=example', role: 'admin' },
  ]);
  const glass = { ...whole, 'sso.local-accounts': ['break-glass'], 'sso.break-glass': ['Glass'] };
  assert.deepEqual(entranceOf(settings(glass)), { sso: true, local: { only: 'glass' } });
  const { 'sso.client-id': _, ...without } = whole;
  assert.throws(() => ssoPlan(settings(without)), { message: /needs sso.client-id/, exitCode: 2 });
  assert.throws(() => ssoPlan(settings({ 'sso.local-accounts': ['break-glass'] })), {
    message: /break-glass needs sso.issuer/,
    exitCode: 2,
  });
});
