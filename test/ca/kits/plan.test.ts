import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fixedProxy, hostPort, pacProxy, planKit, proxyText } from '../../../ca/kits/plan.ts';
import { KitRefusal } from '../../../ca/kits/refusal.ts';
import { foreignRoot, ownRoot, TIME } from './sample.ts';
import { openssl } from '../scratch.ts';

const refused = (make: () => unknown, words: RegExp): void =>
  assert.throws(make, error => error instanceof KitRefusal && words.test(error.message) && error.hint !== '');

test('a root is named by its fingerprints, as openssl computes them', t => {
  const der = ownRoot(t);
  const plan = planKit({ roots: [{ certificate: der, role: 'current' }], proxy: null, time: TIME });
  const [root] = plan.roots;
  assert.ok(root !== undefined);
  const print = (digest: string): string =>
    openssl(['x509', '-inform', 'DER', '-noout', '-fingerprint', digest], der).trim().split('=')[1] ?? '';
  assert.equal(root.sha256, print('-sha256'));
  assert.equal(root.sha1, print('-sha1').replaceAll(':', ''));
  assert.equal(root.file, `sightglass-root-${root.sha256.replaceAll(':', '').slice(0, 8).toLowerCase()}`);
  assert.equal(plan.time, '2026-11-20T12:00:00');
});

test('ids are GUIDs that change with the plan and not with the day', t => {
  const roots = [{ certificate: ownRoot(t), role: 'current' as const }];
  const plan = planKit({ roots, proxy: null, time: TIME });
  const later = planKit({ roots, proxy: null, time: TIME + 86_400_000 });
  const other = planKit({ roots, proxy: fixedProxy('proxy.example.com:8080'), time: TIME });
  assert.match(plan.id('gpo'), /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
  assert.equal(plan.id('gpo'), later.id('gpo'));
  assert.notEqual(plan.id('gpo'), plan.id('domain'));
  assert.notEqual(plan.id('gpo'), other.id('gpo'));
});

test('what is no root, or is named twice, is refused', t => {
  const root = ownRoot(t);
  refused(() => planKit({ roots: [], proxy: null, time: TIME }), /at least one root/);
  refused(
    () => planKit({ roots: [{ certificate: Buffer.from('x'), role: 'current' }], proxy: null, time: TIME }),
    /no certificate/,
  );
  refused(
    () =>
      planKit({ roots: [{ certificate: root, role: 'current' }], retired: [root], proxy: null, time: TIME }),
    /named twice/,
  );
  const leaf = execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        '/dev/null',
      ],
      ...['-subj', '/CN=leaf', '-addext', 'basicConstraints=critical,CA:FALSE', '-outform', 'DER'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  refused(
    () => planKit({ roots: [{ certificate: leaf, role: 'current' }], proxy: null, time: TIME }),
    /no root/,
  );
  const rsa = foreignRoot(t, ['rsa:2048']);
  assert.equal(
    planKit({ roots: [{ certificate: rsa, role: 'current' }], proxy: null, time: TIME }).roots.length,
    1,
  );
});

test('the proxy is read strictly and written in one form', () => {
  const text = (proxy: string): string => {
    const read = fixedProxy(proxy);
    return read.kind === 'fixed' ? hostPort(read) : '';
  };
  assert.equal(text('Proxy.Example.COM:8080'), 'proxy.example.com:8080');
  assert.equal(text('10.1.2.3:3128'), '10.1.2.3:3128');
  assert.equal(text('[2001:DB8::1]:8080'), '[2001:db8::1]:8080');
  for (const bad of [
    'proxy',
    'proxy:',
    'proxy:0',
    'proxy:70000',
    "a'b:1",
    'a b:1',
    'http://proxy:1',
    '$(id):1',
    '',
  ])
    refused(() => fixedProxy(bad), /no address of a proxy/);
  assert.deepEqual(fixedProxy('p.example:1', ['*.Intra.example', '.corp', '10.0.0.1']), {
    kind: 'fixed',
    host: 'p.example',
    port: 1,
    bypass: ['*.intra.example', '.corp', '10.0.0.1'],
  });
  for (const bad of ['*', 'a;b', "x'y", '<local>', ''])
    refused(() => fixedProxy('p.example:1', [bad]), /beside the proxy/);
});

test('a PAC URL cannot carry anything that a script would have to quote', () => {
  const url = (text: string): string => {
    const read = pacProxy(text);
    return read.kind === 'pac' ? read.url : '';
  };
  assert.equal(url('http://Proxy.example.com:8080/proxy.pac'), 'http://proxy.example.com:8080/proxy.pac');
  assert.equal(url('https://p.example/a%20b?x=1&y=2'), 'https://p.example/a%20b?x=1&y=2');
  assert.match(url('http://p.example/\'$(id)`;|<>"{}*!'), /^[A-Za-z0-9:/.%&?=-]+$/);
  for (const bad of [
    'file:///c:/proxy.pac',
    'proxy.pac',
    'http://user:pw@p.example/',
    'http://p.example/#x',
    'javascript:1',
  ])
    refused(() => pacProxy(bad), /no URL of a PAC file/);
  assert.equal(proxyText(pacProxy('http://p.example/x')), 'automatic configuration http://p.example/x');
  assert.match(proxyText(null), /trust only/);
});
