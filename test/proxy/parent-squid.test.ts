/**
 * A real Squid as parent, which wants credentials, on a plain port and on one with TLS: inspected, passed through and plain
 * flows go through it, its log names the user, and no record of ours holds the password.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../helpers/free-port.ts';
import { start, type Running } from '../consumers/process.ts';
import { converse, openTunnel, OriginCa, startOrigin, startProxy, tlsInside } from '../helpers/proxy.ts';
import type { TestProxy } from '../helpers/proxy.ts';
import { until } from './harness.ts';

const PASSWORD = 'correct:horse';

describe('through Squid', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-squid-'));
  const ca = new OriginCa();
  const parentCa = new OriginCa();
  let squid: Running;
  let proxy: TestProxy;
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let plain: Server;
  let plainPort = 0;

  before(async () => {
    const [http, https] = [await freePort(), await freePort()];
    squid = await startSquid(dir, http, https, await parentCa.certificate('proxy.test'));
    origin = await startOrigin(ca, 'www.test', (req, res) => void res.end(`served ${req.url}`));
    plain = createServer((req, res) => {
      res.end(`plain ${req.url} ${String(req.headers['proxy-authorization'])}`);
    });
    await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve));
    plainPort = (plain.address() as AddressInfo).port;
    const secrets = join(dir, 'secrets');
    mkdirSync(secrets);
    writeFileSync(join(secrets, 'right'), `ada:${PASSWORD}\n`);
    writeFileSync(join(secrets, 'wrong'), 'ada:guessed\n');
    writeFileSync(join(dir, 'parents.pem'), parentCa.pem);
    proxy = await startProxy({
      trust: [ca.pem],
      flags: {
        'origin.resolve': 'proxy.test=127.0.0.1',
        'egress.allow': 'none',
        'parent.secrets': secrets,
        'parent.extra-ca': join(dir, 'parents.pem'),
      },
      policy: `
version: 1
parents:
  clear: { members: ['proxy.test:${http}'], credentials: right }
  tls: { members: ['https://proxy.test:${https}'], credentials: right }
  wrong: { members: ['https://proxy.test:${https}'], credentials: wrong }
  nobody: ['proxy.test:${http}']
  unread: { members: ['proxy.test:${http}'], credentials: not-there }
  stranger: { members: ['https://127.0.0.1:${https}'], credentials: right }
rules:
  - { name: wrong, when: { client: 127.0.0.2 }, action: inspect, parent: wrong }
  - { name: nobody, when: { client: 127.0.0.3 }, action: inspect, parent: nobody }
  - { name: unread, when: { client: 127.0.0.4 }, action: inspect, parent: unread }
  - { name: stranger, when: { client: 127.0.0.5 }, action: inspect, parent: stranger }
  - { name: pass, when: { client: 127.0.0.6 }, action: passthrough, parent: tls }
  - { name: pass-clear, when: { client: 127.0.0.7 }, action: passthrough, parent: clear }
  - { name: clear, when: { client: 127.0.0.8 }, action: inspect, parent: clear }
  - { name: rest, action: inspect, parent: tls }
`,
    });
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
    plain.close();
    await squid.stop();
    ca.remove();
    parentCa.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A plain request from one of the addresses of loopback, which chooses the rule. */
  async function plainFrom(address: string, path: string): Promise<{ answer: string; clientPort: number }> {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', localAddress: address });
    const answer = await converse(
      socket,
      `GET http://www.test:${plainPort}${path} HTTP/1.1\r\nHost: www.test:${plainPort}\r\nConnection: close\r\n\r\n`,
    );
    const { localPort: clientPort = 0 } = socket;
    socket.destroy();
    return { answer, clientPort };
  }
  async function tunnelFrom(address: string, trust: string, path: string) {
    const { socket, port } = await openTunnel(proxy.port, `www.test:${origin.port}`, '', address);
    const tls = await tlsInside(socket, 'www.test', trust);
    const answer = await converse(
      tls,
      `GET ${path} HTTP/1.1\r\nHost: www.test:${origin.port}\r\nConnection: close\r\n\r\n`,
    );
    tls.destroy();
    return { answer, flow: await proxy.flowOf(port) };
  }

  for (const [what, address, group, trust] of [
    ['inspected, over TLS with the parent', '127.0.0.1', 'tls', 'proxy'],
    ['inspected, in the clear', '127.0.0.8', 'clear', 'proxy'],
    ['passed through, over TLS with the parent', '127.0.0.6', 'tls', 'origin'],
    ['passed through, in the clear', '127.0.0.7', 'clear', 'origin'],
  ] as const)
    test(what, async () => {
      const path = `/${address}`;
      const { answer, flow } = await tunnelFrom(address, trust === 'proxy' ? proxy.ca : ca.pem, path);
      assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*served \/127/);
      assert.equal(flow.fault, null);
      assert.match(flow.originAddress ?? '', new RegExp(`^${group} \\(`));
      assert.equal(flow.originTls === null, trust === 'origin');
    });

  test('plain requests, each with the credentials, and none of them reaches the origin', async () => {
    for (const address of ['127.0.0.1', '127.0.0.8']) {
      const { answer } = await plainFrom(address, '/p');
      assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*plain \/p undefined$/);
    }
  });

  test('a parent that does not take or does not get credentials is a fault that says so', async () => {
    for (const [address, code, detail] of [
      ['127.0.0.2', 'parent-auth', /^407 .*; it did not take those of "wrong"$/],
      ['127.0.0.3', 'parent-auth', /^407 .*; the group has no credentials$/],
      ['127.0.0.4', 'parent-login', /^secret "not-there": ENOENT$/],
      ['127.0.0.5', 'parent-untrusted', /cert-name-mismatch/],
    ] as const) {
      const { answer, flow } = await tunnelFrom(address, proxy.ca, '/');
      assert.match(answer, /^HTTP\/1\.1 502 /);
      assert.equal(flow.fault, code);
      assert.match(flow.faultDetail ?? '', detail);
    }
    const { answer, clientPort } = await plainFrom('127.0.0.2', '/');
    assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.doesNotMatch(answer, /Proxy-Authenticate/i);
    assert.equal((await proxy.flowOf(clientPort)).fault, 'parent-auth');
  });

  test('Squid knew who asked, and no record holds the password in any form', async () => {
    const log = (): string => readFileSync(join(dir, 'log', 'access.log'), 'utf8');
    await until('the log', () => (log().match(/ ada /g)?.length ?? 0) >= 6);
    const told = JSON.stringify(proxy.audit.records);
    const encoded = Buffer.from(`ada:${PASSWORD}`).toString('base64');
    for (const secret of [PASSWORD, encoded, 'guessed', Buffer.from('ada:guessed').toString('base64')])
      assert.ok(!told.includes(secret) && !log().includes(secret), secret);
  });
});

/** One Squid for all tests: a plain port and a TLS port, Basic authentication by its own helper. */
async function startSquid(
  dir: string,
  http: number,
  https: number,
  { key, cert }: { key: string; cert: string },
): Promise<Running> {
  chmodSync(dir, 0o755);
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  };
  const log = join(dir, 'log');
  mkdirSync(log);
  chmodSync(log, 0o777);
  const hash = execFileSync('openssl', ['passwd', '-apr1', PASSWORD], { encoding: 'utf8' }).trim();
  const conf = file(
    'squid.conf',
    `http_port 127.0.0.1:${http}
https_port 127.0.0.1:${https} tls-cert=${file('cert.pem', cert)} tls-key=${file('key.pem', key)}
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${file('users', `ada:${hash}\n`)}
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
hosts_file ${file('hosts', '127.0.0.1 www.test\n')}
access_log stdio:${join(log, 'access.log')}
buffered_logs off
cache_log ${join(log, 'cache.log')}
pid_filename none
cache deny all
coredump_dir ${dir}
shutdown_lifetime 0 seconds
visible_hostname squid.test
`,
  );
  return start('squid', ['-N', '-f', conf], async () => {
    const socket = connect(https, '127.0.0.1');
    const there = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    return there;
  });
}
