import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { policyCommand } from '../../src/cli/policy.ts';
import { pacOf } from '../policy/pac/run.ts';
import { runVerb, type Ran } from './run-verb.ts';

const run = (t: TestContext, ...argv: string[]): Promise<Ran> => runVerb(t, policyCommand(), 'pac', ...argv);

function house(t: TestContext): { dir: string; at: readonly string[] } {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-pac-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'policy.yaml');
  writeFileSync(join(dir, 'banks.txt'), '.bank.test\n');
  writeFileSync(
    file,
    `version: 1
default: inspect
lists: { banks: { file: banks.txt, pac: direct } }
rules:
  - { name: banks, when: { host: 'list:banks' }, action: passthrough }
  - { name: ada, when: { host: x.test, user: ada }, action: passthrough, pac: direct }
`,
  );
  return { dir, at: ['--data-dir', dir, '--policy.file', file] };
}

describe('policy pac', () => {
  it('writes the file for the proxies that were named, and tells what stays at them', async t => {
    const { dir, at } = house(t);
    const out = join(dir, 'proxy.pac');
    const ran = await run(t, ...at, '--out', out, '--pac.proxies', 'a.test:1', '--pac.proxies', 'b.test:2');
    assert.equal(ran.code, 0);
    assert.match(ran.err, /^1 names go direct\nrule "ada" stays at the proxy: it asks for more/);
    const find = pacOf(readFileSync(out, 'utf8'));
    assert.equal(find('https://www.bank.test/'), 'DIRECT');
    assert.equal(find('https://x.test/'), 'PROXY a.test:1; PROXY b.test:2');
    await assert.rejects(
      run(t, ...at, '--out', out, '--pac.proxies', 'a.test:1'),
      /proxy\.pac exists already/,
    );
    const again = await run(t, ...at, '--out', out, '--force', '--setup.url', 'http://proxy.test:8080');
    assert.equal(again.code, 0);
    assert.equal(pacOf(readFileSync(out, 'utf8'))('https://x.test/'), 'PROXY proxy.test:8080');
  });

  it('asks which proxy when nobody said, and shows what is wrong with a policy', async t => {
    const { dir, at } = house(t);
    await assert.rejects(run(t, ...at), /nobody said which/);
    writeFileSync(join(dir, 'policy.yaml'), 'version: 1\nrules: [{ name: a, action: block, pac: direct }]\n');
    const ran = await run(t, ...at, '--pac.proxies', 'a.test:1');
    assert.equal(ran.code, 1);
    assert.match(ran.err, /only what is passed through may go direct/);
    assert.equal(ran.out, '');
  });
});
