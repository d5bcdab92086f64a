/** The demo as users run it: the real product as a child, real traffic, nothing left behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { DEMO_POLICY } from '../../src/cli/demo/policy.ts';
import { parsePolicy } from '../../src/policy/parse.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sightglass-demo-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Run the demo to its end; `onLine` may end it earlier by the child it is handed. */
function demo(args: string[], onText?: (text: string, interrupt: () => void) => void): Promise<Ended> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'src/cli/main.ts',
      'demo',
      '--workers',
      '1',
      '--proxy.listen',
      '127.0.0.1:0',
      '--console.listen',
      '127.0.0.1:0',
      ...args,
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.stdout += text;
    onText?.(ended.stdout, () => child.kill('SIGINT'));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', code => {
      done({ ...ended, code });
    });
  });
}

/** What `sightglass search` prints. */
function search(dataDir: string, ...args: string[]): string {
  return execFileSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'search', '--data-dir', dataDir, ...args],
    { cwd: root, encoding: 'utf8' },
  );
}

/** How every kind of flow ends for a client that trusts the authority and the origin's CA. */
const OUTCOMES: Readonly<Record<string, string | RegExp>> = {
  'a visit to the shop': '200 200 200 200',
  'a login': '302 200',
  'API calls': '200 201 200',
  'server errors': '500 503',
  'pages that are not there': '200 404',
  'an upload': '200',
  'a large download': '200',
  'a WebSocket': '101',
  'banking, passed through': '200 302',
  'a clinic, passed through': '200',
  'a tracker, blocked with a page': '403',
  'malware, blocked with an alert': /ALERT|ECONNRESET|closed/,
  'an expired certificate': /^UNABLE_TO_VERIFY|^SELF_SIGNED/,
  'a self-signed certificate': /^UNABLE_TO_VERIFY|^SELF_SIGNED/,
  'a certificate for another name': /^UNABLE_TO_VERIFY|^SELF_SIGNED/,
  'an origin that is down': '502',
  'plain HTTP': '200',
  'no TLS inside CONNECT': 'closed',
  'a port that CONNECT may not name': 'HTTP/1.1 403 Forbidden',
};

describe('sightglass demo', () => {
  it('has a policy that can be read', () => {
    const parsed = parsePolicy(DEMO_POLICY);
    assert.ok(parsed.ok, JSON.stringify(parsed));
  });

  it('shows every kind of flow and cleans up behind itself', async () => {
    const { code, stdout, stderr } = await demo(['--duration', '1s', '--verbose']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ready proxy=127\.0\.0\.1:\d+ console=http/m);
    for (const [scene, outcome] of Object.entries(OUTCOMES)) {
      const line = stdout.split('\n').find(text => text.startsWith(`  ${scene}: `));
      const came = line?.slice(scene.length + 4);
      assert.ok(came !== undefined, `${scene} was not played`);
      if (typeof outcome === 'string') assert.equal(came, outcome, scene);
      else assert.match(came, outcome, scene);
    }
    const place = /removes (\S+)\.$/m.exec(stdout)?.[1];
    assert.ok(place !== undefined && !existsSync(place), `${place} was left behind`);
  });

  it('ends at Ctrl-C and keeps a folder that was given', async () => {
    const data = join(folder, 'data');
    const { code, stdout, stderr } = await demo(['--data-dir', data], (text, interrupt) => {
      if (text.includes('Ctrl-C ends it')) interrupt();
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /is kept/);
    assert.equal(readFileSync(join(data, 'policy.yaml'), 'utf8'), DEMO_POLICY);
    assert.ok(existsSync(join(data, 'ca/authority.crt')));
  });

  it('leaves one row for every flow it sent, and none of the secrets in them', async () => {
    const data = join(folder, 'kept');
    const { code, stdout, stderr } = await demo(['--data-dir', data, '--duration', '1s', '--verbose']);
    assert.equal(code, 0, stderr);
    const sent = Number(/^(\d+) flows sent\.$/m.exec(stdout)?.[1]);
    assert.ok(sent >= 24, stdout);
    assert.equal(Number(search(data, '--flows', '--count')), sent);
    // What the shop's visitors asked for, each request once: four pages, one search, a login and the page after it.
    const shop = search(data, '--format', 'ndjson', 'host:shop.demo.test').trim().split('\n');
    const asked = stdout
      .split('\n')
      .flatMap(line => /^ {2}(?:a visit|a search|a login).*: ([\d ]+)$/.exec(line)?.[1]?.split(' ') ?? []);
    assert.equal(shop.length, asked.length);
    for (const day of readdirSync(join(data, 'audit')).filter(name => name.endsWith('.db'))) {
      const bytes = readFileSync(join(data, 'audit', day));
      for (const secret of ['demo-secret', 'demo-token', 'd3m0']) assert.ok(!bytes.includes(secret), secret);
    }
  });

  it('says why when the product does not start', async () => {
    const { code, stderr } = await demo(['--duration', '1s', '--limits.head', '1KiB']);
    assert.equal(code, 2);
    assert.match(stderr, /limits\.head/);
  });
});
