/** The PAC file in three interpreters: V8, the C library behind pactester, and pac-resolver (QuickJS). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';
import { pacFor } from '../../../src/core/setup-texts.ts';
import type { PacStep } from '../../../src/policy/pac/steps.ts';
import { pacText } from '../../../src/policy/pac/text.ts';
import type { PacOptions } from '../../../src/policy/pac/text.ts';
import { pacOf } from './run.ts';

const run = promisify(execFile);
const VIA = 'PROXY one.test:1; PROXY two.test:2; PROXY [2001:db8::3]:3';
const OPTIONS: PacOptions = {
  proxies: ['one.test:1', 'two.test:2', '[2001:db8::3]:3'],
  spread: 'none',
  plainNames: true,
  privateNetworks: true,
  localDomains: ['corp.test'],
  ports: [443, 8443],
  policy: 'abc',
};
const STEPS: PacStep[] = [
  { direct: false, exact: ['fraud.bank.test'], below: ['constructor'] },
  { direct: true, exact: ['bank.test', '__proto__.test'], below: ['bank.test', 'tostring'] },
];

/** URL and the way it must take. */
const TABLE: readonly (readonly [string, string])[] = [
  ['https://bank.test/', 'DIRECT'],
  ['https://www.bank.test:8443/x?y', 'DIRECT'],
  ['wss://www.bank.test/', 'DIRECT'],
  ['https://fraud.bank.test/', VIA],
  ['https://x.fraud.bank.test/', 'DIRECT'],
  ['https://www.bank.test:9443/', VIA],
  ['http://www.bank.test/', VIA],
  ['https://notbank.test/', VIA],
  ['https://__proto__.test/', 'DIRECT'],
  ['https://valueof.test/', VIA],
  ['https://a.corp.test/', 'DIRECT'],
  ['http://corp.test/', 'DIRECT'],
  ['http://notcorp.test/', VIA],
  ['http://intranet/', 'DIRECT'],
  ['http://localhost:3000/', 'DIRECT'],
  ['http://app.localhost/', 'DIRECT'],
  ['http://127.0.0.1/', 'DIRECT'],
  ['http://10.1.2.3/', 'DIRECT'],
  ['http://172.31.0.1/', 'DIRECT'],
  ['http://172.32.0.1/', VIA],
  ['http://10.1.2.3.test/', VIA],
  ['http://192.0.2.1/', VIA],
  ['http://134744072/', VIA],
];

describe('the PAC file', () => {
  it('is read alike by V8, pactester and pac-resolver', async t => {
    const dir = mkdtempSync(join(tmpdir(), 'sightglass-pac-'));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const text = pacText(STEPS, OPTIONS);
    const file = join(dir, 'proxy.pac');
    const urls = join(dir, 'urls');
    writeFileSync(file, text);
    writeFileSync(urls, TABLE.map(([url]) => `${url}\n`).join(''));
    const find = pacOf(text);
    const resolve = createPacResolver(await QuickJS.create(), text);
    const { stdout } = await run('pactester', ['-p', file, '-f', urls]);
    const answers = stdout.trim().split('\n');
    assert.equal(answers.length, TABLE.length);
    for (const [i, [url, way]] of TABLE.entries()) {
      assert.equal(find(url), way, `V8 ${url}`);
      assert.equal(await resolve(url), way, `pac-resolver ${url}`);
      assert.equal(answers[i]?.split(' : ').at(-1)?.trim(), way, `pactester ${url}`);
    }
    assert.equal(find('http://[fd00::1]/'), 'DIRECT');
    assert.equal(find('http://[2001:db8::1]/'), VIA);
    assert.equal(find('https://WWW.BANK.test./', 'WWW.BANK.test.'), 'DIRECT');
    assert.equal(find('https://user@www.bank.test:9443@evil.test/', 'www.bank.test'), VIA);
  });

  it('leaves local things at the proxy where a setting says so; loopback never', () => {
    const find = pacOf(
      pacText([], { ...OPTIONS, plainNames: false, privateNetworks: false, localDomains: [] }),
    );
    for (const url of ['http://intranet/', 'http://10.1.2.3/', 'http://corp.test/', 'http://[fe80::1]/'])
      assert.equal(find(url), VIA, url);
    for (const url of ['http://localhost/', 'http://127.8.8.8/', 'http://[::1]/'])
      assert.equal(find(url), 'DIRECT', url);
  });

  it('names whoever served it when no proxies are set, and never ends in DIRECT', () => {
    const find = pacOf(pacFor(pacText([], { ...OPTIONS, proxies: [] }), "it's.test:8080"));
    assert.equal(find('https://a.test/'), "PROXY it's.test:8080");
  });

  it('spreads evenly and stably, by host or by client, with the others behind for fail-over', async () => {
    const proxies = ['a.test:1', 'b.test:1', 'c.test:1'];
    const shares = (firsts: string[]): number[] =>
      proxies.map(p => firsts.filter(f => f === `PROXY ${p}`).length / firsts.length);
    const byHost = pacText([], { ...OPTIONS, proxies, spread: 'host' });
    const find = pacOf(byHost);
    const hosts = Array.from({ length: 3000 }, (_, i) => `https://host${i}.test/`);
    const ways = hosts.map(url => find(url));
    assert.deepEqual(
      hosts.map(url => find(url)),
      ways,
    );
    for (const way of new Set(ways)) assert.equal(new Set(way.split('; ')).size, 3, way);
    for (const share of shares(ways.map(w => w.split('; ')[0] ?? ''))) assert.ok(share > 0.3, `${share}`);
    const resolve = createPacResolver(await QuickJS.create(), byHost);
    for (const [i, url] of hosts.slice(0, 5).entries()) assert.equal(await resolve(url), ways[i]);

    const byClient = pacText([], { ...OPTIONS, proxies, spread: 'client' });
    const firsts = Array.from({ length: 750 }, (_, i) => {
      const mine = pacOf(byClient, `10.0.${i >> 8}.${i & 255}`);
      const way = mine('https://x.test/');
      assert.equal(mine('https://y.test/'), way);
      return way.split('; ')[0] ?? '';
    });
    for (const share of shares(firsts)) assert.ok(share > 0.25, `${share}`);
  });

  it('of 40,000 names is under the megabyte that browsers read, and is asked in a blink', async () => {
    const exact = Array.from({ length: 40_000 }, (_, i) => `n${i}.example-list.test`);
    const text = pacText([{ direct: true, exact, below: [] }], OPTIONS);
    assert.ok(text.length < 1024 * 1024, `${text.length}`);
    assert.equal(pacOf(text)('https://n39999.example-list.test/'), 'DIRECT');
    const resolve = createPacResolver(await QuickJS.create(), text);
    assert.equal(await resolve('https://n39999.example-list.test/'), 'DIRECT');
    assert.equal(await resolve('https://n40000.example-list.test/'), VIA);
  });
});
