/** What the tests of this room share: a scratch folder that goes away, openssl as the judge, keys and asks. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';
import { AuthorityRefusal } from '../../ca/refusal.ts';
import type { RefusalCode } from '../../ca/refusal.ts';
import type { LeafAsk } from '../../src/core/ports.ts';

/** A folder (mode 0700) that is removed after the test. */
export function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-ca-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Standard output of openssl; throws with its words when it fails. */
export function openssl(args: string[], input?: Buffer | string): string {
  return execFileSync('openssl', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Runs openssl and answers its exit code with all it said. */
export function tryOpenssl(args: string[], input?: Buffer | string): { code: number | null; text: string } {
  const run = spawnSync('openssl', args, { encoding: 'utf8', input });
  return { code: run.status, text: run.stdout + run.stderr };
}

/** `openssl verify` in strict mode against one CA, at a time, for a name or an address. */
export function judge(
  dir: string,
  caPem: string,
  leafPem: string,
  name: string,
  kind: 'name' | 'ip',
  at: number,
): { code: number | null; text: string } {
  writeFileSync(join(dir, 'judge-ca.pem'), caPem);
  writeFileSync(join(dir, 'judge-leaf.pem'), leafPem);
  const subject = kind === 'name' ? ['-verify_hostname', name] : ['-verify_ip', name];
  const time = ['-attime', String(Math.floor(at / 1000))];
  const files = ['-CAfile', join(dir, 'judge-ca.pem'), join(dir, 'judge-leaf.pem')];
  return tryOpenssl(['verify', '-x509_strict', '-purpose', 'sslserver', ...time, ...subject, ...files]);
}

export interface LeafKey {
  spki: Buffer;
  privatePem: string;
}

export function leafKey(): LeafKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** An ask for a trusted leaf that stands for no origin; override what the test is about. */
export function ask(publicKey: Buffer, changes: Partial<LeafAsk> = {}): LeafAsk {
  return {
    name: 'www.example.com',
    nameKind: 'name',
    publicKey,
    originNotBefore: null,
    originNotAfter: null,
    originFingerprint: null,
    trust: 'trusted',
    ...changes,
  };
}

/** Refused with this code and a hint, and none of the secrets stands in anything the error shows. */
export function refuses(open: () => unknown, code: RefusalCode, secrets: string[]): void {
  assert.throws(open, error => {
    assert.ok(error instanceof AuthorityRefusal, String(error));
    assert.equal(error.code, code);
    assert.ok(error.hint !== '');
    const told = `${inspect(error, { depth: 9 })} ${error.hint}`;
    for (const secret of secrets) assert.ok(!told.includes(secret), 'no key material in the text');
    return true;
  });
}

/** Lines of a key file that must never be told. */
export const linesOf = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line.length > 20 && !line.startsWith('-----'));
