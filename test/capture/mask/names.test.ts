/** Names whose values are secrets, and their look-alikes that are not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SecretNames } from '../../../src/capture/mask/names.ts';

const names = new SecretNames(['employeeId', 'Gehalt']);

describe('secret', () => {
  for (const name of [
    ...['password', 'Password', 'newPassword', 'new-password', 'user_password', 'passwd', 'pass', 'pwd'],
    ...['pin', 'PIN', 'otp', 'totp_code', 'cvv', 'cvc2', 'cardNumber', 'access_token', 'refreshToken'],
    ...['client_secret', 'api-key', 'X-Api-Key', 'privateKey', 'authorization', 'sessionId', 'SAMLResponse'],
    ...[
      'user[password]',
      'login.pass',
      'ctl00$Main$Password',
      'j_password',
      'form:login:password',
      'a%5Bpin%5D',
    ],
    ...['csrf_token', 'employee_id', 'gehalt', 'person.gehalt.brutto'],
  ])
    test(name, () => assert.ok(names.has(name)));
});

describe('no secret', () => {
  for (const name of [
    ...[
      '',
      'user',
      'code',
      'key',
      'passenger',
      'compass',
      'pinned',
      'shipping',
      'nextPageToken',
      'max_tokens',
    ],
    ...[
      'continuation-token',
      'session',
      'auth',
      'passport_required',
      'secretary',
      'tokenizer',
      '[]',
      'x'.repeat(300),
    ],
  ])
    test(name.slice(0, 30), () => assert.ok(!names.has(name)));
});

test('a hundred thousand different names cost no memory beyond the bound', () => {
  const many = new SecretNames();
  for (let i = 0; i < 100_000; i++) assert.ok(!many.has(`n${i}`));
  assert.ok(many.has('password'));
});
