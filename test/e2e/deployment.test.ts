/**
 * Machines that are set up by nothing but the generated kit: Chromium, Firefox and programs with trust of their own reach an
 * inspected origin without a warning, and refuse it again after the kit's removal. Each machine is a mount namespace, so the
 * scripts run as they are, as root, on /etc and /usr/local.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startFirefox } from '../helpers/firefox.ts';
import { startMachine, type Machine, type MachineRun } from '../helpers/machine.ts';
import { startProduct, type Product } from '../helpers/product.ts';
import { openScene, type Scene } from './scene.ts';

let scene: Scene;
let product: Product;
let scratch: string;
let url: string;

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'sightglass-deployment-'));
  scene = await openScene();
  product = await startProduct({
    ...scene.options({ 'setup.url': 'http://proxy.example.com:8080' }),
    workers: 1,
  });
  url = `https://www.test:${scene.nginx.ec}/`;
});
after(async () => {
  await product.cleanUp();
  await scene.close();
  rmSync(scratch, { recursive: true, force: true });
});

async function kit(name: string, ...options: string[]): Promise<string> {
  const out = join(scratch, name);
  const { code, stderr } = await product.cli('ca', 'kit', '--out', out, ...options);
  assert.equal(code, 0, stderr);
  return out;
}

const fine = (run: MachineRun): string => {
  assert.equal(run.code, 0, run.text);
  return run.text;
};

/** Opens the page in Chromium as the machine has it; `flags` only for a machine that has no proxy any more. */
async function browse(machine: Machine, flags: string[] = []): Promise<{ title: string; issuer: string }> {
  const context = await chromium.launchPersistentContext(join(machine.home, 'chromium-profile'), {
    executablePath: machine.wrapper('chromium', '/usr/bin/chromium'),
    headless: true,
    chromiumSandbox: false,
    env: { PATH: process.env['PATH'] ?? '', HOME: machine.home },
    args: [
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      ...flags,
    ],
  });
  try {
    const page = await context.newPage();
    const response = await page.goto(url, { timeout: 20_000 });
    return { title: await page.title(), issuer: (await response?.securityDetails())?.issuer ?? '' };
  } finally {
    await context.close();
  }
}

test('the setup site serves a revocation list that openssl believes, and leaves name it', async () => {
  const answer = await fetch(`http://${product.host}:${product.port}/ca.crl`);
  assert.equal(answer.headers.get('content-type'), 'application/pkix-crl');
  writeFileSync(join(scratch, 'ca.crl'), Buffer.from(await answer.arrayBuffer()));
  const crl = ['crl', '-inform', 'DER', '-in', join(scratch, 'ca.crl'), '-noout', '-CAfile', product.caFile];
  assert.match(spawnSync('openssl', crl, { encoding: 'utf8' }).stderr, /verify OK/);
  const client = [
    's_client',
    '-proxy',
    `${product.host}:${product.port}`,
    '-connect',
    `www.test:${scene.nginx.ec}`,
  ];
  const { stdout } = spawnSync('openssl', [...client, '-servername', 'www.test'], {
    encoding: 'utf8',
    input: '',
  });
  const leaf = spawnSync('openssl', ['x509', '-noout', '-ext', 'crlDistributionPoints'], {
    encoding: 'utf8',
    input: stdout,
  });
  assert.match(leaf.stdout, /URI:http:\/\/proxy\.example\.com:8080\/ca\.crl/);
});

describe('a Linux machine', () => {
  let machine: Machine;
  before(async () => {
    machine = await startMachine();
  });
  after(() => machine.end());

  test('Chromium follows the kit with an address, and refuses after its removal', async () => {
    const dir = await kit('fixed', '--proxy', `${product.host}:${product.port}`);
    const linux = join(dir, 'linux');
    fine(machine.run(['sh', 'install.sh'], { cwd: linux }));
    fine(machine.run(['sh', 'user.sh', 'install'], { cwd: linux }));
    fine(machine.run(['sh', 'user.sh', 'verify'], { cwd: linux }));
    assert.doesNotMatch(fine(machine.run(['sh', 'verify.sh', url], { cwd: linux })), /MISSING/);

    const { issuer } = await browse(machine);
    assert.match(issuer, /^Sightglass CA /);

    fine(machine.run(['sh', 'remove.sh'], { cwd: linux }));
    fine(machine.run(['sh', 'user.sh', 'remove'], { cwd: linux }));
    assert.equal(machine.run(['sh', 'verify.sh'], { cwd: linux }).code, 1);
    await assert.rejects(browse(machine), /ERR_NAME_NOT_RESOLVED/, 'no proxy is set any more');
    const flag = [`--proxy-server=http://${product.host}:${product.port}`];
    await assert.rejects(browse(machine, flag), /ERR_CERT_AUTHORITY_INVALID/, 'nor is the root trusted');
  });

  test('Firefox follows the kit with a PAC file, and refuses after its removal', async () => {
    const dir = await kit('pac', '--pac', `http://${product.host}:${product.port}/proxy.pac`);
    const linux = join(dir, 'linux');
    // Policies of somebody else stop the installation before it changes anything.
    const theirs = '{"policies":{"BlockAboutConfig":true}}';
    const file = '/etc/firefox/policies/policies.json';
    fine(machine.run(['sh', '-c', `mkdir -p /etc/firefox/policies && printf %s '${theirs}' > ${file}`]));
    const refused = machine.run(['sh', 'install.sh'], { cwd: linux });
    assert.equal(refused.code, 1);
    assert.match(refused.text, /Nothing was changed/);
    assert.notEqual(machine.run(['ls', '/etc/chromium/policies/managed/sightglass.json']).code, 0);

    fine(machine.run(['sh', 'install.sh', '--replace'], { cwd: linux }));
    const set = await startFirefox(machine);
    try {
      await set.open(url);
      assert.match(String(await set.evaluate('document.documentElement.outerHTML')), /html/);
      assert.equal(await set.evaluate('location.href'), url);
    } finally {
      await set.close();
    }
    fine(machine.run(['sh', 'remove.sh'], { cwd: linux }));
    assert.match(
      fine(machine.run(['sh', 'user.sh', 'remove'], { cwd: linux })),
      /forgotten in .*test\.default/,
    );
    const bare = await startFirefox(machine, {
      'network.proxy.type': 1,
      'network.proxy.http': product.host,
      'network.proxy.http_port': product.port,
      'network.proxy.ssl': product.host,
      'network.proxy.ssl_port': product.port,
    });
    try {
      await assert.rejects(bare.open(url), /insecure certificate/);
    } finally {
      await bare.close();
    }
  });
});

describe('programs', () => {
  let machine: Machine;
  let runtimes: string;
  before(async () => {
    machine = await startMachine();
    runtimes = join(await kit('programs', '--proxy', `${product.host}:${product.port}`), 'runtimes');
    writeFileSync(
      join(machine.home, 'Fetch.java'),
      `import java.net.*; class Fetch { public static void main(String[] a) throws Exception {
        System.setProperty("https.proxyHost", a[0]); System.setProperty("https.proxyPort", a[1]);
        System.out.println(((HttpURLConnection) new URI(a[2]).toURL().openConnection()).getResponseCode()); } }`,
    );
  });
  after(() => machine.end());

  /** Runs a command as a login shell of the machine's user would. */
  const login = (command: string): MachineRun =>
    machine.run(['sh', '-c', `[ ! -f ~/.profile ] || . ~/.profile; ${command}`]);

  /** What each program does, how it says that it worked, and how that it does not trust. */
  const through = (): string => `http://${product.host}:${product.port}`;
  const PROGRAMS: [name: string, command: () => string, works: RegExp, refuses: RegExp][] = [
    [
      'curl',
      () => `https_proxy=${through()} curl -sS -o /dev/null -w '%{http_code}' ${url}1k`,
      /^200$/,
      /SSL certificate problem/,
    ],
    [
      'node',
      () =>
        `node -e 'const s=require("net").connect(${product.port},"${product.host}",()=>s.write("CONNECT www.test:${scene.nginx.ec} HTTP/1.1\\r\\nHost: www.test:${scene.nginx.ec}\\r\\n\\r\\n"));s.once("data",()=>{const t=require("tls").connect({socket:s,servername:"www.test"},()=>{console.log("trusted");t.destroy()});t.on("error",e=>{console.error(e.code);process.exit(1)})})'`,
      /trusted/,
      /UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|SELF_SIGNED/,
    ],
    [
      'python',
      () =>
        `https_proxy=${through()} /usr/bin/python3 -c 'import requests; print(requests.get("${url}1k").status_code)'`,
      /^200/,
      /CERTIFICATE_VERIFY_FAILED/,
    ],
    [
      'git',
      () => `https_proxy=${through()} git ls-remote ${url}repo.git 2>&1; true`,
      /repository '.*' not found|not found/,
      /certificate verification failed|SSL certificate problem/,
    ],
    [
      'npm',
      () => `https_proxy=${through()} npm ping --registry ${url} --fetch-retries=0 2>&1; true`,
      /404|PONG|405/,
      /UNABLE_TO|SELF_SIGNED/,
    ],
    [
      'java',
      () => `java Fetch.java ${product.host} ${product.port} ${url}1k`,
      /^200/,
      /PKIX path building failed/,
    ],
  ];
  for (const [name, command, works, refuses] of PROGRAMS)
    test(`${name} trusts after its script and refuses after its removal`, () => {
      const script = (verb: string): MachineRun => machine.run(['sh', `${name}.sh`, verb], { cwd: runtimes });
      assert.match(login(command()).text, refuses);
      assert.notEqual(script('verify').code, 0);
      fine(script('install'));
      fine(script('verify'));
      const { text } = login(command());
      assert.match(text, works);
      assert.doesNotMatch(text, refuses);
      fine(script('remove'));
      assert.match(login(command()).text, refuses);
    });

  test('Docker’s daemon gets its proxy, and loses it again', () => {
    const script = (verb: string): MachineRun => machine.run(['sh', 'docker.sh', verb], { cwd: runtimes });
    fine(script('install'));
    fine(script('verify'));
    const drop = machine.run(['cat', '/etc/systemd/system/docker.service.d/sightglass-proxy.conf']).out;
    assert.match(
      drop,
      new RegExp(
        `^\\[Service\\]\nEnvironment="HTTP_PROXY=${through()}" "HTTPS_PROXY=${through()}" "NO_PROXY=`,
      ),
    );
    fine(script('remove'));
    assert.notEqual(script('verify').code, 0);
  });

  test('nothing is left in the home of the user', () => {
    const left = machine.run([
      'sh',
      '-c',
      'cat ~/.profile ~/.gitconfig ~/.npmrc 2>/dev/null; ls ~/.config/sightglass/env.d 2>/dev/null',
    ]).out;
    assert.doesNotMatch(left, /sightglass|127\.0\.0\.1/i);
  });
});
