/** The profiles as Python's property list reader sees them: structure and every value, hostile names included. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixedProxy, pacProxy } from '../../../ca/kits/plan.ts';
import { HOSTILE, ownRoot, python, read, unpack } from './sample.ts';

const PLIST = `
import sys, json, plistlib, base64
def plain(v):
    if isinstance(v, bytes): return base64.b64encode(v).decode()
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list): return [plain(x) for x in v]
    return v
print(json.dumps(plain(plistlib.load(open(sys.argv[1], 'rb')))))`;

type Payload = Record<string, unknown>;
const profile = (dir: string, name: string): Payload & { PayloadContent: Payload[] } =>
  python(PLIST, join(dir, 'apple', `${name}.mobileconfig`)) as Payload & { PayloadContent: Payload[] };

const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;

test('root and proxy, each payload with what every payload must have', t => {
  const [a, b] = [ownRoot(t, HOSTILE.slice(0, 60)), ownRoot(t)];
  const { dir } = unpack(t, {
    roots: [
      { certificate: a, role: 'current' },
      { certificate: b, role: 'next' },
    ],
    proxy: fixedProxy('proxy.example.com:8080'),
  });
  const both = profile(dir, 'sightglass-root-and-proxy');
  assert.equal(both['PayloadType'], 'Configuration');
  const payloads = both.PayloadContent;
  const every = [both, ...payloads];
  for (const payload of every) {
    assert.equal(payload['PayloadVersion'], 1);
    assert.match(String(payload['PayloadUUID']), UUID);
    assert.match(String(payload['PayloadIdentifier']), /^sightglass\.kit\./);
  }
  for (const key of ['PayloadUUID', 'PayloadIdentifier'])
    assert.equal(new Set(every.map(payload => payload[key])).size, every.length, `${key} names one payload`);
  assert.deepEqual(
    payloads.map(p => [p['PayloadType'], p['PayloadContent'] ?? null]),
    [
      ['com.apple.security.root', a.toString('base64')],
      ['com.apple.security.root', b.toString('base64')],
      ['com.apple.proxy.http.global', null],
    ],
  );
  assert.equal(payloads[0]?.['PayloadDisplayName'], HOSTILE.slice(0, 60));
  assert.deepEqual(
    ['ProxyType', 'ProxyServer', 'ProxyServerPort'].map(key => payloads[2]?.[key]),
    ['Manual', 'proxy.example.com', 8080],
  );
  const alone = profile(dir, 'sightglass-root');
  assert.equal(alone.PayloadContent.length, 2);
  assert.notEqual(alone['PayloadUUID'], both['PayloadUUID']);
});

test('a PAC file, and no way around it', t => {
  const { dir } = unpack(t, {
    roots: [{ certificate: ownRoot(t), role: 'current' }],
    proxy: pacProxy('http://p.example/proxy.pac?a=1&b=2'),
  });
  const payload = profile(dir, 'sightglass-root-and-proxy').PayloadContent[1] ?? {};
  assert.deepEqual(
    ['ProxyType', 'ProxyPACURL', 'ProxyPACFallbackAllowed'].map(key => payload[key]),
    ['Auto', 'http://p.example/proxy.pac?a=1&b=2', false],
  );
});

test('the scripts name the roots of the kit and take back what they set', t => {
  const old = ownRoot(t);
  const { dir, files } = unpack(t, {
    roots: [{ certificate: ownRoot(t), role: 'current' }],
    retired: [old],
    proxy: fixedProxy('proxy.example.com:8080'),
  });
  const [install, remove] = [read(dir, 'apple/install.sh'), read(dir, 'apple/remove.sh')];
  for (const [, path = ''] of install.matchAll(/-k "\$KEYCHAIN" \.\.\/(\S+)/g))
    assert.ok(
      files.some(file => file.path === path),
      path,
    );
  const print = execFileSync('openssl', ['x509', '-inform', 'DER', '-noout', '-fingerprint', '-sha1'], {
    input: old,
  })
    .toString()
    .trim()
    .split('=')[1]
    ?.replaceAll(':', '');
  for (const script of [install, remove])
    assert.match(script, new RegExp(`delete-certificate -Z ${print ?? '-'} `));
  assert.match(install, /-setsecurewebproxy "\$service" 'proxy\.example\.com' 8080/);
  assert.match(remove, /-setsecurewebproxystate "\$service" off/);
});
