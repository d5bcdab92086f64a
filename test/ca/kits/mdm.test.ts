import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixedProxy, pacProxy } from '../../../ca/kits/plan.ts';
import type { ProxyChoice } from '../../../ca/kits/plan.ts';
import { ownRoot, python, read, unpack } from './sample.ts';
import type { TestContext } from 'node:test';

const SYNC = `
import sys, json, csv, xml.etree.ElementTree as e
def commands(path):
    root = e.parse(path).getroot()
    n = '{SYNCML:SYNCML1.2}'
    assert root.tag == n + 'SyncBody' and root[-1].tag == n + 'Final'
    ids = [c.find(n + 'CmdID').text for c in root[:-1]]
    assert ids == [str(i + 1) for i in range(len(ids))]
    return [[c.tag[len(n):], c.find(n + 'Item/' + n + 'Target/' + n + 'LocURI').text,
             getattr(c.find(n + 'Item/' + n + 'Meta/{syncml:metinf}Format'), 'text', None),
             getattr(c.find(n + 'Item/' + n + 'Data'), 'text', None)] for c in root[:-1]]
d = sys.argv[1]
print(json.dumps([commands(d + '/install.xml'), commands(d + '/remove.xml'), list(csv.reader(open(d + '/oma-uri.csv', newline='')))]))`;

type Command = [string, string, string | null, string | null];
const kit = (
  t: TestContext,
  proxy: ProxyChoice | null,
  retired: Buffer[] = [],
): { root: Buffer; read: [Command[], Command[], string[][]] } => {
  const root = ownRoot(t);
  const { dir } = unpack(t, { roots: [{ certificate: root, role: 'current' }], retired, proxy });
  return { root, read: python(SYNC, join(dir, 'windows-mdm')) as [Command[], Command[], string[][]] };
};

test('root and address under the paths of the two providers', t => {
  const {
    root,
    read: [install, remove, csv],
  } = kit(t, fixedProxy('proxy.example.com:8080', ['*.intra.example']));
  const proxy = './Vendor/MSFT/NetworkProxy';
  assert.match(
    install[0]?.[1] ?? '',
    /^\.\/Device\/Vendor\/MSFT\/RootCATrustedCertificates\/Root\/[0-9A-F]{40}\/EncodedCertificate$/,
  );
  assert.deepEqual(
    [install[0]?.[0], install[0]?.[2], install[0]?.[3]],
    ['Replace', 'b64', root.toString('base64')],
  );
  assert.deepEqual(install.slice(1), [
    ['Replace', `${proxy}/ProxySettingsPerUser`, 'int', '0'],
    ['Replace', `${proxy}/AutoDetect`, 'int', '0'],
    ['Replace', `${proxy}/ProxyServer/ProxyAddress`, 'chr', 'proxy.example.com:8080'],
    ['Replace', `${proxy}/ProxyServer/Exceptions`, 'chr', '*.intra.example'],
    ['Replace', `${proxy}/ProxyServer/UseProxyForLocalAddresses`, 'int', '0'],
  ]);
  assert.deepEqual(
    remove.map(([verb, uri]) => [verb, uri]),
    [
      install[0]?.[1]?.replace('/EncodedCertificate', ''),
      `${proxy}/ProxyServer/ProxyAddress`,
      `${proxy}/ProxyServer/Exceptions`,
      `${proxy}/ProxySettingsPerUser`,
    ].map(uri => ['Delete', uri]),
  );
  assert.deepEqual(csv[0], ['Name', 'OMA-URI', 'Data type', 'Value']);
  assert.deepEqual(
    csv.slice(1).map(row => row[1]),
    install.map(command => command[1]),
  );
});

test('a PAC file is the set-up script, and a retired root is deleted', t => {
  const old = ownRoot(t);
  const {
    read: [install],
  } = kit(t, pacProxy('https://p.example/a.pac?x=1&y=2'), [old]);
  assert.ok(
    install.some(
      ([, uri, , value]) => uri.endsWith('/SetupScriptUrl') && value === 'https://p.example/a.pac?x=1&y=2',
    ),
  );
  assert.equal(install.filter(([verb]) => verb === 'Delete').length, 1);
});

test('without a proxy there is the root and nothing else', t => {
  assert.equal(kit(t, null).read[0].length, 1);
});

test('Android: the configuration is XML and names files that are there', t => {
  const { dir, files } = unpack(t, { roots: [{ certificate: ownRoot(t), role: 'current' }], proxy: null });
  const sources = python(
    `import sys, json, xml.etree.ElementTree as e
print(json.dumps([c.get('src') for c in e.parse(sys.argv[1]).getroot().iter('certificates')]))`,
    join(dir, 'android/res/xml/network_security_config.xml'),
  ) as string[];
  assert.deepEqual([sources[0], sources[2]], ['system', 'user']);
  const name = sources[1]?.replace('@raw/', '') ?? '';
  assert.match(name, /^[a-z0-9_]+$/, 'a resource name');
  assert.ok(files.some(file => file.path === `android/res/raw/${name}.pem`));
  assert.match(read(dir, 'android/README.md'), /networkSecurityConfig/);
});
