/** Addresses of PostgreSQL: what they mean, and what is refused without repeating it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePostgresUrl } from '../../src/core/postgres-address.ts';

test('an address says where, as whom, and whether the server is verified', () => {
  assert.deepEqual(parsePostgresUrl('postgres://writer@db.corp.test/audit?sslrootcert=/etc/ca.pem'), {
    host: 'db.corp.test',
    port: 5432,
    database: 'audit',
    user: 'writer',
    tls: true,
    caFile: '/etc/ca.pem',
  });
  for (const [url, host, tls] of [
    ['postgresql://a@127.0.0.1:5433/b', '127.0.0.1', false],
    ['postgres://a@[::1]/b', '::1', false],
    ['postgres://a@localhost/b?sslmode=verify-full', 'localhost', true],
    ['postgres://a@10.0.0.1/b', '10.0.0.1', true],
    ['postgres://a@10.0.0.1/b?sslmode=disable', '10.0.0.1', false],
    ['postgres://a@socket/b?host=/run/postgresql', '/run/postgresql', false],
  ] as const) {
    const address = parsePostgresUrl(url);
    assert.deepEqual([address.host, address.tls], [host, tls], url);
  }
});

test('what would be unsafe or unclear is refused, and the text is never repeated', () => {
  for (const [url, why] of [
    ['postgres://a:hunter2@db/b', /password/],
    ['postgres://a@db/b?sslmode=require', /verify-full/],
    ['postgres://a@db/b?sslmode=no-verify', /verify-full/],
    ['postgres://a@db/b?options=x', /not known/],
    ['mysql://a@db/b', /no PostgreSQL URL/],
    ['hunter2', /no URL/],
    ['postgres://a@db/', /no database/],
    ['postgres://db/b', /no user/],
  ] as const)
    assert.throws(
      () => parsePostgresUrl(url),
      (error: Error) =>
        error instanceof RangeError && why.test(error.message) && !error.message.includes('hunter2'),
      url,
    );
});
