import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { createServer as createPlainServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { parseNetwork } from '../../src/core/network.ts';
import type { Network } from '../../src/core/network.ts';
import { fetchList, judgeAddress } from '../../src/policy/sources-fetch.ts';
import type { FetchOptions } from '../../src/policy/sources-fetch.ts';
import { OriginCa } from '../helpers/proxy.ts';

const ca = new OriginCa();
let server: Server;
let port: number;
let seen: IncomingMessage[] = [];
const LOOPBACK = [parseNetwork('127.0.0.0/8')].filter((n): n is Network => n !== null);

const answer: RequestListener = (req, res) => {
  seen.push(req);
  const { url = '', headers } = req;
  if (url === '/list' && headers['if-none-match'] === '"v1"') res.writeHead(304).end();
  else if (url === '/list')
    res.writeHead(200, { etag: '"v1"', 'last-modified': 'Fri, 20 Nov 2026 12:00:00 GMT' }).end('a.test\n');
  else if (url === '/moved') res.writeHead(302, { location: '/list' }).end();
  else if (url === '/loop') res.writeHead(302, { location: '/loop' }).end();
  else if (url.startsWith('/to?')) res.writeHead(301, { location: decodeURIComponent(url.slice(4)) }).end();
  else if (url === '/big') res.end('x'.repeat(5000));
  else if (url === '/announced') res.writeHead(200, { 'content-length': '5000' }).end('x'.repeat(5000));
  else if (url === '/cut') {
    res.writeHead(200, { 'content-length': '100' });
    res.write('a.test', () => res.destroy());
  } else if (url === '/never') res.writeHead(200).write('a');
  else res.writeHead(404).end();
};

before(async () => {
  server = createServer(await ca.certificate('lists.test'), answer);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
after(() => {
  server.close();
  server.closeAllConnections();
  ca.remove();
});

/** Every name is the server here, unless a test says otherwise. */
const lookup = (address = '127.0.0.1'): NonNullable<FetchOptions['lookup']> =>
  ((_name: string, _options: object, callback: (e: null, found: object[]) => void) => {
    callback(null, [{ address, family: 4 }]);
  }) as never;

function get(path: string, more: Partial<FetchOptions> = {}): ReturnType<typeof fetchList> {
  seen = [];
  return fetchList({
    url: `https://lists.test:${port}${path}`,
    maxSize: 1000,
    etag: null,
    lastModified: null,
    allow: LOOPBACK,
    ca: [ca.pem],
    lookup: lookup(),
    ...more,
  });
}

describe('fetching a list', () => {
  it('brings the bytes with what makes the next look cheap', async () => {
    assert.deepEqual(await get('/list'), {
      kind: 'new',
      body: Buffer.from('a.test\n'),
      etag: '"v1"',
      lastModified: 'Fri, 20 Nov 2026 12:00:00 GMT',
    });
    assert.deepEqual(await get('/list', { etag: '"v1"', lastModified: 'Fri, 20 Nov 2026 12:00:00 GMT' }), {
      kind: 'same',
    });
    assert.equal(seen[0]?.headers['if-modified-since'], 'Fri, 20 Nov 2026 12:00:00 GMT');
  });

  it('follows a redirect, not a loop', async () => {
    assert.equal((await get('/moved')).kind, 'new');
    await assert.rejects(get('/loop'), /redirects more than 5 times/);
    assert.equal(seen.length, 6);
  });

  it('tells what it got instead of a list', async () => {
    await assert.rejects(get('/nothing'), /it answers 404 Not Found/);
    await assert.rejects(get('/big'), /larger than 1000 bytes/);
    await assert.rejects(get('/announced'), /larger than 1000 bytes/);
    await assert.rejects(get('/cut'));
    await assert.rejects(get('/never', { timeout: 200 }), /not answer completely in time/);
  });

  it('verifies who answers', async () => {
    await assert.rejects(get('/list', { ca: [] }), /certificate|issuer/i);
    await assert.rejects(get('/list', { url: `https://other.test:${port}/list` }), /altname|does not match/i);
  });

  it('does not leave https on a redirect, nor take credentials from one', async () => {
    await assert.rejects(get(`/to?${encodeURIComponent('http://lists.test/')}`), /from https to http/);
    await assert.rejects(get(`/to?${encodeURIComponent('file:///etc/passwd')}`), /from https to file/);
    await assert.rejects(get(`/to?${encodeURIComponent('https://a:b@lists.test/')}`), /with credentials/);
  });

  it('asks no address of our own network or host, by literal, by name or by redirect', async () => {
    await assert.rejects(get('/list', { allow: [] }), /127\.0\.0\.1 is a loopback address/);
    await assert.rejects(get('', { url: 'https://[::1]/', allow: [] }), /::1 is a loopback address/);
    await assert.rejects(get('', { lookup: lookup('169.254.169.254') }), /is a metadata address/);
    await assert.rejects(
      get(`/to?${encodeURIComponent('https://169.254.169.254/latest')}`),
      /169\.254\.169\.254 is a metadata address/,
    );
    const inner = createPlainServer(() => assert.fail('it was asked'));
    await new Promise<void>(resolve => inner.listen(0, '127.0.0.1', resolve));
    await assert.rejects(
      get('', { url: `http://127.0.0.1:${(inner.address() as AddressInfo).port}/`, allow: [] }),
      /is a loopback address/,
    );
    await new Promise(resolve => inner.close(resolve));
  });

  it('a public server cannot send us into private addresses; the author of the policy may', () => {
    assert.equal(judgeAddress('10.0.0.1', [], null), null);
    assert.equal(judgeAddress('10.0.0.1', [], true), null);
    assert.match(judgeAddress('10.0.0.1', [], false) ?? '', /redirects to 10\.0\.0\.1, a private address/);
    assert.match(judgeAddress('127.0.0.1', LOOPBACK, false) ?? '', /redirects to/);
    assert.equal(judgeAddress('127.0.0.1', LOOPBACK, null), null);
    assert.equal(judgeAddress('203.0.113.9', [], null) === null, false, 'reserved for documentation');
    assert.equal(judgeAddress('8.8.8.8', [], false), null);
  });
});
