import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { DEMO_HOSTS, startDemoOrigin } from '../../../src/cli/demo/origin.ts';
import type { DemoOrigin } from '../../../src/cli/demo/origin.ts';
import { personas, playTraffic, scenes } from '../../../src/cli/demo/traffic.ts';
import type { Scene } from '../../../src/cli/demo/traffic.ts';

/** A proxy that inspects nothing: what the scenes meet here is the origin itself. */
const tunnel = createServer((asked, response) => {
  const url = new URL(asked.url ?? '');
  request({ host: '127.0.0.1', port: url.port, path: url.pathname, headers: asked.headers }, answer => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  }).end();
});
tunnel.on('connect', (asked, client, head) => {
  const port = Number((asked.url ?? '').split(':')[1]);
  if (port === 25) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  const origin = connect(port, '127.0.0.1', () => {
    client.write('HTTP/1.1 200 OK\r\n\r\n');
    if (head.length > 0) origin.write(head);
    client.pipe(origin).pipe(client);
  });
  for (const [one, other] of [
    [client, origin],
    [origin, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});

let origin: DemoOrigin;
let all: Scene[];
const [persona] = personas(process.platform);

before(async () => {
  origin = await startDemoOrigin(Date.now());
  await new Promise<void>(done => tunnel.listen(0, '127.0.0.1', done));
  const { port } = tunnel.address() as AddressInfo;
  all = scenes({ host: '127.0.0.1', port, trusted: [origin.certificate] }, origin);
});
after(async () => {
  await origin.close();
  tunnel.closeAllConnections();
  await new Promise(done => tunnel.close(done));
});

/** What each scene comes to when nothing stands between the user and the origin. */
const OUTCOMES: Readonly<Record<string, string | RegExp>> = {
  'a visit to the shop': '200 200 200 200',
  'a search with a secret in it': '200',
  'a login': '302 200',
  'API calls': '200 201 200',
  'a streamed answer': '200',
  'a slow answer': '200',
  'server errors': '500 503',
  'pages that are not there': '200 404',
  'an upload': '200',
  'a large download': '200',
  'a download the user cancels': '200',
  'a download that breaks off': /aborted|ECONNRESET/,
  'a WebSocket': '101',
  'banking, passed through': '200 302',
  'a clinic, passed through': '200',
  'a tracker, blocked with a page': '404',
  'malware, blocked with an alert': '404',
  'an expired certificate': 'CERT_HAS_EXPIRED',
  'a self-signed certificate': 'DEPTH_ZERO_SELF_SIGNED_CERT',
  'a certificate for another name': 'ERR_TLS_CERT_ALTNAME_INVALID',
  'an origin that is down': /closed|ECONNRESET/,
  'plain HTTP': '200',
  'no TLS inside CONNECT': 'closed',
  'a port that CONNECT may not name': 'HTTP/1.1 403 Forbidden',
};

describe('the demo', () => {
  it('plays every scene once, then draws more until it is told to stop', async () => {
    assert.ok(persona !== undefined);
    const heard = new Map<string, string>();
    const stop = new AbortController();
    let count = 0;
    await playTraffic(all, [persona], {
      rate: 1000,
      until: Infinity,
      signal: stop.signal,
      random: () => 0, // always the first persona and the first scene
      heard: (scene, outcome) => {
        if (!heard.has(scene)) heard.set(scene, outcome);
        if (++count === all.length + 3) stop.abort();
      },
    });
    assert.ok(count >= all.length + 3);
    assert.deepEqual([...heard.keys()].sort(), Object.keys(OUTCOMES).sort());
    for (const [scene, outcome] of heard) {
      const expected = OUTCOMES[scene];
      if (typeof expected === 'string') assert.equal(outcome, expected, scene);
      else assert.match(outcome, expected ?? /^$/, scene);
    }
  });

  it('names only hosts below demo.test, so that nothing of the demo leaves this machine', () => {
    for (const host of Object.keys(DEMO_HOSTS)) assert.match(host, /^[a-z.-]+\.demo\.test$/);
  });
});
