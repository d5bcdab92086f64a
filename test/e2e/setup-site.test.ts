/** The product as it runs: workers hand out the PAC file of the policy in force, and records tell who trusts the root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { startProduct } from '../helpers/product.ts';

const policy = (name: string): string =>
  `version: 1\ndefault: inspect\nrules: [{ name: r, when: { host: .${name} }, action: passthrough, pac: direct }]\n`;

/** Waits until `holds`; a few seconds at most. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end;) {
    if (await holds()) return;
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  assert.fail(`waited in vain for ${what}`);
}

it('every worker serves the PAC file of the policy in force; the check host and ca uptake agree on who trusts', async t => {
  const product = await startProduct({ policy: policy('bank.test') });
  t.after(() => product.cleanUp());
  const curl = (...args: string[]): string =>
    execFileSync('curl', ['-sS', '--max-time', '10', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
  assert.match(curl(`${product.url}/wpad.dat`), /bank\.test/);
  writeFileSync(product.policyFile, policy('clinic.test'));
  // Connections fall on any worker: several in a row with the new file mean all of them.
  await until('the new file', () =>
    Array.from({ length: 6 }, () => curl(`${product.url}/proxy.pac`)).every(text =>
      text.includes('clinic.test'),
    ),
  );
  assert.match(curl(`${product.url}/ca.mobileconfig`), /com\.apple\.security\.root/);

  const check = 'https://check.sightglass.internal/check';
  assert.equal(curl('--fail', '-x', product.url, '--cacert', product.caFile, check), 'sightglass check\n');
  assert.throws(() => curl('-x', product.url, check), 'without the root curl refuses');
  await until('the records', async () => {
    const { stdout } = await product.cli('ca', 'uptake', '--json');
    const { clients, rows } = JSON.parse(stdout) as {
      clients: number;
      rows: { accepted: number; refused: number; root: string | null }[];
    };
    return clients === 1 && rows[0]?.accepted === 1 && rows[0].refused === 1 && rows[0].root !== null;
  });
});
