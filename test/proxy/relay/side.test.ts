/** An origin connection that dies while nobody looks remembers what it died of. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { OriginLink } from '../../../src/proxy/relay/side.ts';
import { DEFAULT_LIMITS } from '../../../src/wire/http1/index.ts';

function dead(...codes: string[]): OriginLink {
  const socket = new PassThrough();
  const link = new OriginLink(socket, 'a.test', 443, DEFAULT_LIMITS);
  for (const code of codes) socket.emit('error', Object.assign(new Error(code), { code }));
  return link;
}

describe('origin link', () => {
  test('a connection that lives has failed of nothing', () => {
    const link = dead();
    assert.equal(link.failure, null);
    assert.equal(link.used, 0);
    assert.equal(link.reader.idle, true);
  });

  test('a reset is the origin’s, and the first failure is kept', () => {
    const link = dead('ECONNRESET', 'EPIPE');
    assert.equal(link.failure?.code, 'origin-reset');
    assert.equal(link.failure.detail, 'ECONNRESET');
  });

  test('an origin that asks for a client certificate after the handshake is told apart (RFC 8446 §4.4.2.4)', () => {
    assert.equal(dead('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED').failure?.code, 'origin-client-cert');
    assert.equal(dead('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE').failure?.entry.side, 'origin');
  });
});
