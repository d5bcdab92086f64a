/**
 * What a leaf costs: CPU and wall time per never-seen name through the issuer, its two halves alone, and a cached answer.
 * `node --import tsx bench/mint.ts [names]`. Wall time informs only; nothing here gates.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '../ca/authority.ts';
import { createIssuer } from '../ca/issuer.ts';
import { buildLeaf, DAY, leafSerial } from '../ca/leaf.ts';
import type { LeafAsk } from '../src/core/ports.ts';

const count = Number(process.argv[2] ?? 5000);
const dir = mkdtempSync(join(tmpdir(), 'sightglass-mint-'));
try {
  const authority = openAuthority({ dir: join(dir, 'ca') });
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const ask = (i: number): LeafAsk => ({
    name: `host${i}.example.com`,
    nameKind: 'name',
    publicKey: spki,
    originNotBefore: Date.now() - DAY,
    originNotAfter: Date.now() + 90 * DAY,
    originFingerprint: 'ab'.repeat(32),
    trust: 'trusted',
  });
  const asks = Array.from({ length: count }, (_, i) => ask(i));
  const issuer = createIssuer({ authority, queueLimit: count, cacheSize: count });
  const validity = { notBefore: 0, notAfter: 30 * DAY };
  const signature = sign('sha256', spki, privateKey);
  const build = (sign: () => Buffer) => (): void => {
    for (const { name } of asks)
      buildLeaf(
        { name, nameKind: 'name', publicKey: spki, serial: leafSerial(randomBytes(16)), validity },
        { ...authority.trusted, sign },
      );
  };
  const all = async (): Promise<void> => void (await Promise.all(asks.map(ask => issuer.issue(ask))));
  await measure(
    'warm-up (discarded)',
    build(() => signature),
  );
  await measure('never-seen name, whole issuer', all);
  await measure('cached name', all);
  await measure(
    'build without signature (node-forge ASN.1)',
    build(() => signature),
  );
  await measure('signature alone (node:crypto)', () => {
    for (const _ of asks) authority.trusted.sign(spki);
  });
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function measure(what: string, work: () => void | Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const per = (us: number): string => (us / count).toFixed(1).padStart(8);
  console.log(`${what.padEnd(45)} ${per(user + system)} µs CPU ${per(wall * 1000)} µs wall`);
}
