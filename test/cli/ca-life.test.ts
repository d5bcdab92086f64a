/** The life of the authority from the command line, and that no verb ever shows a key or a passphrase. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openAuthority, unlockAuthority } from '../../ca/authority.ts';
import { exportWithKey } from '../../ca/export.ts';
import type { TrustShare } from '../../ca/rotation.ts';
import { caCommand } from '../../src/cli/ca.ts';
import { rotateCommand } from '../../src/cli/ca-life.ts';
import { enterprise } from '../ca/enterprise.ts';
import { linesOf } from '../ca/scratch.ts';
import { runVerb, type Ran } from './run-verb.ts';

const PASSPHRASE = 'correct horse battery staple';

interface House {
  dir: string;
  ca: string;
  run: (...args: string[]) => Promise<Ran>;
  /** Everything that was printed or thrown so far. */
  said: () => string;
  flags: string[];
}

function house(t: TestContext): House {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-life-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'passphrase');
  writeFileSync(file, `${PASSPHRASE}\n`, { mode: 0o600 });
  const flags = ['--data-dir', join(dir, 'data'), '--ca.passphrase-file', file];
  let said = '';
  const stdout = t.mock.method(process.stdout, 'write', (text: string | Buffer) => {
    said += text.toString();
    return true;
  });
  t.after(() => stdout.mock.restore());
  return {
    dir,
    ca: join(dir, 'data/ca'),
    flags,
    said: () => said,
    async run(...args) {
      const verb = args[0] === 'show' || args[0] === 'kit' ? flags.slice(0, 2) : flags;
      try {
        const ran = await runVerb(t, caCommand(), ...args, ...verb);
        said += ran.out + ran.err;
        return ran;
      } catch (error) {
        said += `${String(error)} ${String((error as { hint?: string }).hint)} ${(error as Error).stack ?? ''}`;
        throw error;
      }
    },
  };
}

const told = (words: RegExp) => (error: unknown) =>
  error instanceof Error && words.test(`${error.message} ${(error as { hint?: string }).hint ?? ''}`);

test('prepare, deploy both, switch when enough clients are ready or by force, give the old one up', async t => {
  const { ca, run, dir, said, flags } = house(t);
  await assert.rejects(run('rotate'), told(/There is no authority.*ca init/));
  await run('init');
  const secrets = [PASSPHRASE, ...linesOf(join(ca, 'authority.key'))];
  assert.match((await run('rotate')).out, /Prepared[\s\S]*Deploy both roots/);
  secrets.push(...linesOf(join(ca, 'next.key')));
  assert.match(
    (await run('show')).out,
    /state +another authority is prepared[\s\S]*next +.*SHA-256 [0-9A-F:]{95}/,
  );
  await run('kit', '--out', join(dir, 'kit'));
  const kit = JSON.parse(readFileSync(join(dir, 'kit/kit.json'), 'utf8')) as { roots: { role: string }[] };
  assert.deepEqual(
    kit.roots.map(root => root.role),
    ['current', 'next'],
  );

  await assert.rejects(run('rotate', '--switch'), told(/not measured.*--force/));
  const asked: string[] = [];
  const measured = (share: TrustShare) =>
    runVerb(
      t,
      rotateCommand((_, root) => (asked.push(root), Promise.resolve(share))),
      '--switch',
      ...flags,
    );
  await assert.rejects(measured({ clients: 100, accepting: 90 }), told(/90 of 100 clients.*95 %/));
  assert.match(asked[0] ?? '', /^[0-9a-f]{64}$/);
  assert.match((await measured({ clients: 100, accepting: 95 })).out, /Switched[\s\S]*next start/);
  assert.match((await run('show')).out, /state +the previous authority still stands/);
  await run('rotate', '--finish');
  assert.match((await run('show')).out, /state +steady[\s\S]*given up/);
  await run('kit', '--out', join(dir, 'removal'));
  const removal = JSON.parse(readFileSync(join(dir, 'removal/kit.json'), 'utf8')) as { retired: unknown[] };
  assert.equal(removal.retired.length, 1);

  await run('rotate');
  await run('rotate', '--switch', '--force');
  assert.equal(
    (JSON.parse((await run('rotate', '--finish', '--json')).out) as { state: string }).state,
    'steady',
  );
  await assert.rejects(run('rotate', '--cancel'), told(/No authority is prepared/));
  await assert.rejects(run('rotate', '--switch', '--least-share', 'x'), told(/no share/));
  for (const name of readdirSync(ca)) if (name.endsWith('.key')) secrets.push(...linesOf(join(ca, name)));
  for (const secret of secrets) assert.ok(!said().includes(secret), 'no verb shows a key or a passphrase');
});

test('an enterprise CA is asked and its answer brought; the limits show', async t => {
  const { ca, run, dir, said } = house(t);
  const root = enterprise(t);
  const request = join(dir, 'request.pem');
  assert.match(
    (await run('csr', '--out', request, '--common-name', 'Inspection CA')).err,
    /the key stays here[\s\S]*ca import/,
  );
  await assert.rejects(run('csr', '--out', request), told(/exists already/));
  await assert.rejects(run('show'), told(/waits for the certificate.*ca import/));
  await assert.rejects(run('init'), told(/waits for the certificate/));
  const sub = [
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    'keyUsage=critical,keyCertSign',
    'subjectKeyIdentifier=hash',
    'nameConstraints=critical,permitted;DNS:example.com',
  ];
  const [answer, chain] = [join(dir, 'answer.pem'), join(dir, 'chain.pem')];
  writeFileSync(answer, root.sign(readFileSync(request, 'utf8'), sub));
  writeFileSync(chain, root.pem);
  await assert.rejects(run('import', answer), told(/issuer is missing.*chain/));
  await assert.rejects(run('import', join(dir, 'none')), told(/cannot be read/));
  assert.match((await run('import', answer, chain)).out, /It is the authority now/);
  assert.match((await run('show')).out, /signed by +.*Example Root[\s\S]*may sign +example\.com/);
  await assert.rejects(run('import', answer, chain), told(/No request waits/));
  for (const secret of [PASSPHRASE, ...linesOf(join(ca, 'authority.key'))])
    assert.ok(!said().includes(secret));
});

test('an authority is brought as PKCS#12 and leaves again as one', async t => {
  const { run, dir } = house(t);
  const source = join(dir, 'source');
  const { certificateDer } = openAuthority({ dir: source });
  const [file, secret] = [join(dir, 'in.p12'), join(dir, 'p12-passphrase')];
  writeFileSync(file, exportWithKey(certificateDer, unlockAuthority(source, null).key, 'another passphrase'));
  writeFileSync(secret, 'another passphrase\n', { mode: 0o600 });
  await assert.rejects(run('import', file), told(/does not open/));
  assert.match((await run('import', file, '--p12-passphrase-file', secret)).out, /It is the authority now/);
  const out = join(dir, 'out.p12');
  await run('export', '--format', 'p12', '--with-key', '--p12-passphrase-file', secret, '--out', out);
  assert.ok(readFileSync(out).length > 500);
  await assert.rejects(run('import', file, out), told(/holds no certificate as PEM/));
});
