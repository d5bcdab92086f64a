/**
 * The authority's life on the running product: below an enterprise CA with name constraints, the passphrase in the
 * environment, then replaced by a root of its own. curl and openssl are the clients; nothing that the product says holds a key.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { enterprise } from '../ca/enterprise.ts';
import { linesOf } from '../ca/scratch.ts';
import { startProduct, runCli, type Product } from '../helpers/product.ts';
import { openScene, type Scene } from './scene.ts';

const PASSPHRASE = 'correct horse battery staple';

describe('an authority below an enterprise CA', () => {
  let scene: Scene;
  let dir: string;
  let passphraseFile: string;
  let product: Product | null = null;
  const flags = (): string[] => ['--data-dir', dir, '--ca.passphrase-file', passphraseFile];

  before(async () => {
    scene = await openScene();
    dir = mkdtempSync(join(tmpdir(), 'sightglass-authority-'));
    passphraseFile = join(dir, 'passphrase');
    writeFileSync(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
  });
  after(async () => {
    await product?.cleanUp();
    await scene.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Asks the inspected origin with one trusted root. */
  const ask = (name: string, root: string): { code: number | null; text: string } => {
    writeFileSync(join(dir, 'root.pem'), root);
    const { status, stdout, stderr } = spawnSync(
      'curl',
      [
        '-sS',
        '--noproxy',
        '',
        '--proxy',
        product?.url ?? '',
        '--cacert',
        join(dir, 'root.pem'),
        '-w',
        '%{http_code}',
        '-o',
        '/dev/null',
        `https://${name}:${scene.nginx.ec}/1k`,
      ],
      { encoding: 'utf8' },
    );
    return { code: status, text: `${stdout} ${stderr}` };
  };

  test('its limits hold, its chain is sent, its successor takes over, and nobody is told a secret', async t => {
    const root = enterprise(t);
    const request = join(dir, 'request.pem');
    const said: string[] = [];
    const cli = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCli('ca', ...args);
      said.push(stdout, stderr);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await cli('csr', '--out', request, ...flags());
    const [answer, chain] = [join(dir, 'answer.pem'), join(dir, 'chain.pem')];
    const sub = [
      'basicConstraints=critical,CA:TRUE,pathlen:0',
      'keyUsage=critical,keyCertSign,cRLSign',
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
      'nameConstraints=critical,permitted;DNS:www.test',
    ];
    writeFileSync(answer, root.sign(readFileSync(request, 'utf8'), sub));
    writeFileSync(chain, root.pem);
    await cli('import', answer, chain, ...flags());
    const secrets = [PASSPHRASE, ...linesOf(join(dir, 'ca/authority.key'))];

    process.env['SIGHTGLASS_CA_PASSPHRASE'] = PASSPHRASE;
    t.after(() => delete process.env['SIGHTGLASS_CA_PASSPHRASE']);
    const options = {
      ...scene.options(),
      workers: 1,
      keepVariables: ['SIGHTGLASS_CA_PASSPHRASE'],
      dataDir: dir,
    };
    product = await startProduct(options);
    assert.match(ask('www.test', root.pem).text, /^200/, 'the chain is sent behind the leaf');
    assert.doesNotMatch(ask('cold-0.test', root.pem).text, /^200/);
    const [flow] = await product.eventually('flows', 'fault:name-constrained', rows => rows.length > 0);
    assert.equal(flow?.['sni'], 'cold-0.test');
    for (const pid of [product.pid, ...product.workers()])
      if (pid !== product.pid)
        assert.ok(
          !readFileSync(`/proc/${pid}/environ`, 'utf8').includes(PASSPHRASE),
          'no worker inherits it',
        );

    await cli('rotate', ...flags());
    await cli('rotate', '--switch', '--force', ...flags());
    secrets.push(...linesOf(join(dir, 'ca/authority.key')));
    assert.match(ask('www.test', root.pem).text, /^200/, 'the running service goes on as it was');
    said.push(product.stderr());
    await product.stop();
    product = await startProduct(options);
    const own = await cli('export', '--format', 'pem', '--data-dir', dir);
    assert.match(ask('cold-0.test', own).text, /^200/, 'a root of our own has no limits');
    assert.match(ask('www.test', root.pem).text, /unable to get|self.signed|issuer/);
    await cli('rotate', '--finish', ...flags());
    await cli('kit', '--out', join(dir, 'kit'), '--data-dir', dir);
    said.push(await cli('show', '--json', '--data-dir', dir), product.stderr());

    const files = readdirSync(join(dir, 'kit'), { recursive: true, withFileTypes: true }).filter(entry =>
      entry.isFile(),
    );
    for (const file of files) said.push(readFileSync(join(file.parentPath, file.name), 'latin1'));
    for (const secret of secrets) assert.ok(!said.some(text => text.includes(secret)));
  });
});
