/** Contexts of minted leaves: one ask per name however many want it, a bound, an age, and sessions that resume. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, createServer, type SecureContext, type SecureVersion } from 'node:tls';
import { openAuthority, type Authority } from '../../ca/authority.ts';
import { createIssuer } from '../../ca/issuer.ts';
import type { IssuedLeaf, LeafAsk, LeafIssuer } from '../../src/core/ports.ts';
import type { CertFacts } from '../../src/core/facts.ts';
import { LeafContexts } from '../../src/proxy/leaf-contexts.ts';

const CERT: CertFacts = {
  subject: 'CN=a.test',
  issuer: 'CN=x',
  names: ['a.test'],
  notBefore: '2026-01-01T00:00:00.000Z',
  notAfter: '2036-01-01T00:00:00.000Z',
  fingerprint: 'a1'.repeat(32),
  serial: '01',
};

describe('leaf contexts', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-leaves-'));
  let authority: Authority;
  let real: LeafIssuer;
  before(() => {
    authority = openAuthority({ dir: join(dir, 'ca') });
    real = createIssuer({ authority });
  });
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  function counting(issuer: LeafIssuer = real): LeafIssuer & { asks: LeafAsk[] } {
    const asks: LeafAsk[] = [];
    return { asks, issue: ask => (asks.push(ask), issuer.issue(ask)) };
  }
  const keys = (fill: number): Buffer => Buffer.alloc(48, fill);

  test('a burst for one name asks the authority once', async () => {
    const issuer = counting();
    const leaves = new LeafContexts(issuer, { max: 10, ticketKeys: keys(1) });
    const all = await Promise.all(
      Array.from({ length: 40 }, () => leaves.get('a.test', 'name', 'trusted', CERT)),
    );
    assert.equal(new Set(all).size, 1);
    await leaves.get('a.test', 'name', 'trusted', CERT);
    assert.equal(issuer.asks.length, 1);
    const [ask] = issuer.asks;
    assert.equal(ask?.originNotAfter, Date.parse(CERT.notAfter));
    assert.equal(ask?.originFingerprint, CERT.fingerprint);
  });

  test('trust, name and origin certificate each make another leaf', async () => {
    const issuer = counting();
    const leaves = new LeafContexts(issuer, { max: 10, ticketKeys: keys(1) });
    await leaves.get('a.test', 'name', 'trusted', CERT);
    await leaves.get('a.test', 'name', 'untrusted', null);
    await leaves.get('a.test', 'name', 'trusted', { ...CERT, fingerprint: 'b2'.repeat(32) });
    await leaves.get('b.test', 'name', 'trusted', CERT);
    assert.equal(issuer.asks.length, 4);
    assert.equal(leaves.size, 4);
    // One key for all leaves of a process; it is the authority's to sign and ours to keep.
    assert.equal(new Set(issuer.asks.map(a => a.publicKey.toString('hex'))).size, 1);
  });

  test('never more than the bound; the least recently used is made again', async () => {
    const issuer = counting();
    const leaves = new LeafContexts(issuer, { max: 3, ticketKeys: keys(1) });
    for (const n of [1, 2, 3]) await leaves.get(`n${n}.test`, 'name', 'trusted', CERT);
    await leaves.get('n1.test', 'name', 'trusted', CERT);
    await leaves.get('n4.test', 'name', 'trusted', CERT);
    assert.equal(leaves.size, 3);
    issuer.asks.length = 0;
    await leaves.get('n1.test', 'name', 'trusted', CERT);
    await leaves.get('n2.test', 'name', 'trusted', CERT);
    assert.deepEqual(
      issuer.asks.map(a => a.name),
      ['n2.test'],
    );
  });

  test('a refusal reaches all who wait, is not remembered, and the next ask is made', async () => {
    let refuse = true;
    const issuer = counting({ issue: ask => (refuse ? Promise.reject(new Error('busy')) : real.issue(ask)) });
    const leaves = new LeafContexts(issuer, { max: 3, ticketKeys: keys(1) });
    const burst = [1, 2, 3].map(() => leaves.get('a.test', 'name', 'trusted', CERT));
    for (const one of burst) await assert.rejects(one, /busy/);
    refuse = false;
    await leaves.get('a.test', 'name', 'trusted', CERT);
    assert.equal(issuer.asks.length, 2);
  });

  test('a leaf is renewed when two thirds of its life are over', async () => {
    let leaf: IssuedLeaf | null = null;
    const issuer = counting({ issue: async ask => (leaf = { ...(await real.issue(ask)), notAfter: 60 }) });
    const leaves = new LeafContexts(issuer, { max: 3, ticketKeys: keys(1), now: () => 0 });
    const first = await leaves.get('a.test', 'name', 'trusted', CERT);
    assert.ok(leaf);
    for (let i = 0; i < 200 && issuer.asks.length < 2; i++) {
      await new Promise(resolve => setTimeout(resolve, 5));
      await leaves.get('a.test', 'name', 'trusted', CERT);
    }
    assert.equal(issuer.asks.length, 2);
    assert.notEqual(await leaves.get('a.test', 'name', 'trusted', CERT), first);
  });

  for (const version of ['TLSv1.3', 'TLSv1.2'] as const)
    test(`a ${version} session of one worker resumes with another that has the same ticket keys, and with no other`, async () => {
      const context = async (fill: number): Promise<SecureContext> =>
        (
          await new LeafContexts(real, { max: 3, ticketKeys: keys(fill) }).get(
            'a.test',
            'name',
            'trusted',
            CERT,
          )
        ).context;
      const session = (await handshake(await context(5), version)).session;
      assert.ok(session);
      assert.equal((await handshake(await context(5), version, session)).resumed, true);
      assert.equal((await handshake(await context(6), version, session)).resumed, false);
    });

  /** One TLS handshake with a server on this context; verified against the authority. */
  async function handshake(
    context: SecureContext,
    version: SecureVersion,
    session?: Buffer,
  ): Promise<{ resumed: boolean; session: Buffer | null }> {
    const server = createServer({ SNICallback: (_n, done) => done(null, context) }, s => s.end('bye'));
    (server as unknown as { _sharedCreds: SecureContext })._sharedCreds = context;
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const client = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      servername: 'a.test',
      ca: authority.certificatePem,
      minVersion: version,
      maxVersion: version,
      ...(session === undefined ? {} : { session }),
    });
    let ticket: Buffer | null = null;
    client.on('session', s => (ticket = s));
    client.resume();
    await new Promise((resolve, reject) => client.once('end', resolve).once('error', reject));
    const resumed = client.isSessionReused();
    client.destroy();
    await new Promise(resolve => server.close(resolve));
    return { resumed, session: ticket };
  }
});
