/**
 * The policy as Samba's own extensions for Chrome and Firefox understand it, its security descriptor as Samba's parser reads
 * it, its XML as a reader of XML does, compared with the documented layout of GPMC's backups.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fixedProxy, pacProxy } from '../../../ca/kits/plan.ts';
import type { ProxyChoice } from '../../../ca/kits/plan.ts';
import { chromiumPolicies, firefoxPolicies } from '../../../ca/kits/windows-settings.ts';
import { foreignRoot, HOSTILE, ownRoot, python, read, unpack } from './sample.ts';

const FOLDER = 'windows-group-policy';
const FIXED = fixedProxy('proxy.example.com:8080', ['*.intra.example.com']);
const PAC = pacProxy('http://proxy.example.com:8080/proxy.pac');

const JUDGE = `
import sys, json
from samba.ndr import ndr_unpack, ndr_pack
from samba.dcerpc import preg, security
from samba.gp import gp_chromium_ext, gp_firefox_ext
path, sd = sys.argv[1:]
out = {}
for half in ('Machine', 'User'):
    raw = open(path + '/DomainSysvol/GPO/' + half + '/registry.pol', 'rb').read()
    pol = ndr_unpack(preg.file, raw)
    out[half] = {'same': ndr_pack(pol) == raw,
                 'entries': [[e.keyname, e.valuename, e.type, e.data if isinstance(e.data, (int, str)) else None] for e in pol.entries]}
    if half == 'Machine':
        out['chrome'] = gp_chromium_ext.convert_pol_to_json({}, {}, 'Software\\\\Policies\\\\Google\\\\Chrome', pol.entries)[0]
        out['edge'] = gp_chromium_ext.convert_pol_to_json({}, {}, 'Software\\\\Policies\\\\Microsoft\\\\Edge', pol.entries)[0]
        out['firefox'] = gp_firefox_ext.convert_pol_to_json({'policies': {}}, 'Software\\\\Policies\\\\Mozilla\\\\Firefox', pol.entries)
descriptor = bytes.fromhex(sd.replace(' ', ''))
parsed = ndr_unpack(security.descriptor, descriptor)
out['sddl'] = parsed.as_sddl()
print(json.dumps(out))`;

interface Half {
  same: boolean;
  entries: [key: string, name: string, type: number, value: string | number | null][];
}

interface Judged {
  Machine: Half;
  User: Half;
  chrome: unknown;
  edge: unknown;
  firefox: unknown;
  sddl: string;
}

function judged(t: TestContext, proxy: ProxyChoice | null, which: 'deploy' | 'undo' = 'deploy'): Judged {
  const { dir } = unpack(t, { roots: [{ certificate: ownRoot(t), role: 'current' }], proxy });
  const ids = [...read(dir, `${FOLDER}/manifest.xml`).matchAll(/<ID><!\[CDATA\[(.*?)\]\]><\/ID>/g)].map(
    m => m[1] ?? '',
  );
  const backup = join(dir, FOLDER, ids[which === 'deploy' ? 0 : 1] ?? '');
  const sd =
    /<SecurityDescriptor>([0-9a-f ]+)</.exec(readFileSync(join(backup, 'Backup.xml'), 'utf8'))?.[1] ?? '';
  return python(JUDGE, backup, sd) as Judged;
}

for (const [name, proxy] of [
  ['an address', FIXED],
  ['a PAC file', PAC],
] as const)
  test(`Samba turns the policy with ${name} into what was meant`, t => {
    const { Machine, User, chrome, edge, firefox, sddl } = judged(t, proxy);
    assert.ok(Machine.same && User.same, 'read and written back byte for byte');
    // Samba 4.17 does not know this name yet and leaves the number; Windows' Chrome reads 0 as false.
    const meant = {
      ...chromiumPolicies(proxy),
      EncryptedClientHelloEnabled: 0,
      CAPlatformIntegrationEnabled: 1,
    };
    for (const policies of [chrome, edge]) {
      const known = policies as Record<string, unknown>;
      assert.deepEqual(
        { ...known, CAPlatformIntegrationEnabled: Number(known['CAPlatformIntegrationEnabled']) },
        meant,
      );
    }
    assert.deepEqual(firefox, { policies: firefoxPolicies(proxy) });
    assert.equal(
      sddl,
      'D:PAI(OA;CI;CR;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;AU)(A;CI;RPWPCCDCLCLORCWOWDSDDTSW;;;BA)(A;CI;RPLCLORC;;;ED)(A;CI;RPLCLORC;;;AU)(A;CI;RPWPCCDCLCLORCWOWDSDDTSW;;;SY)',
    );
    const internet = 'Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';
    const values = Object.fromEntries(User.entries.map(([key, value, , data]) => [`${key}\\${value}`, data]));
    assert.deepEqual(
      values,
      proxy.kind === 'pac'
        ? { [`${internet}\\AutoConfigURL`]: proxy.url, [`${internet}\\ProxyEnable`]: 0 }
        : {
            [`${internet}\\ProxyEnable`]: 1,
            [`${internet}\\ProxyServer`]: 'proxy.example.com:8080',
            [`${internet}\\ProxyOverride`]: '*.intra.example.com;<local>',
          },
    );
    const perUser = Machine.entries.find(([, value]) => value === 'ProxySettingsPerUser');
    assert.deepEqual(perUser?.slice(2), [4, 0]);
  });

test('the undo policy deletes exactly what Windows would keep', t => {
  const stays = judged(t, FIXED).User.entries.map(([key, name]) => [key, `**Del.${name}`]);
  const undo = judged(t, FIXED, 'undo');
  for (const half of [undo.Machine, undo.User])
    assert.deepEqual(
      half.entries.map(([key, name]) => [key, name]),
      stays,
    );
  assert.deepEqual(undo.chrome, {});
});

test('a kit of trust alone sets no proxy and needs no undo', t => {
  const { Machine, User, chrome } = judged(t, null);
  assert.deepEqual(User.entries, []);
  assert.ok(!('ProxySettings' in (chrome as object)));
  assert.ok(Machine.entries.every(([key]) => key.startsWith('Software\\Policies\\')));
});

test('two roots lie in the store during an overlap', t => {
  const [a, b] = [ownRoot(t), foreignRoot(t, ['rsa:2048'])];
  const { dir, files } = unpack(t, {
    roots: [
      { certificate: a, role: 'current' },
      { certificate: b, role: 'next' },
    ],
    proxy: null,
  });
  assert.equal(files.filter(file => /windows-group-policy\/[^/]+\.cer$/.test(file.path)).length, 2);
  const pol = files.find(file => file.path.endsWith('Machine/registry.pol'))?.data ?? Buffer.alloc(0);
  assert.ok(pol.includes(a) && pol.includes(b));
  assert.match(read(dir, 'README.md'), /Two roots/);
});

const SHAPE = `
import sys, json, xml.etree.ElementTree as e
def shape(node):
    return [node.tag, sorted(node.attrib), [shape(c) for c in node]]
def leaves(node):
    return {c.tag.split('}')[1]: c.text for c in node}
root = sys.argv[1]
ident = sys.argv[2]
manifest = e.parse(root + '/manifest.xml').getroot()
info = e.parse(root + '/' + ident + '/bkupInfo.xml').getroot()
backup = e.parse(root + '/' + ident + '/Backup.xml').getroot()
report = e.parse(root + '/' + ident + '/gpreport.xml').getroot()
core = [c for c in backup[0] if c.tag.endswith('GroupPolicyCoreSettings')][0]
print(json.dumps({'manifest': shape(manifest[0]), 'manifestRoot': [manifest.tag, manifest.attrib], 'info': shape(info), 'values': leaves(info),
  'first': leaves(manifest[0]), 'backup': [backup.tag, backup.attrib, [c.tag for c in backup[0]]], 'core': [[c.tag.split('}')[1], c.text] for c in core],
  'files': [c.attrib for c in backup[0][-1]], 'report': [report.tag, [c.tag.split('}')[1] for c in report], report[0][0].text, report[1].text]}))`;

test('the backup folder has the documented layout, and its ids agree with each other', t => {
  const { dir } = unpack(t, {
    roots: [{ certificate: ownRoot(t, HOSTILE.slice(0, 60)), role: 'current' }],
    proxy: FIXED,
  });
  const folder = join(dir, FOLDER);
  const ids = readdirSync(folder).filter(name => name.startsWith('{'));
  assert.equal(ids.length, 2);
  for (const file of [
    `${folder}/manifest.xml`,
    ...ids.flatMap(id => ['bkupInfo.xml', 'Backup.xml', 'gpreport.xml'].map(f => `${folder}/${id}/${f}`)),
  ])
    execFileSync('xmllint', ['--noout', file]);
  const first = /<ID><!\[CDATA\[(.*?)\]\]>/.exec(read(dir, `${FOLDER}/manifest.xml`))?.[1] ?? '';
  const got = python(SHAPE, folder, first) as Record<string, unknown> & {
    values: Record<string, string>;
    first: Record<string, string>;
    core: [string, string | null][];
    files: Record<string, string>[];
  };
  const manifest = 'http://www.microsoft.com/GroupPolicy/GPOOperations/Manifest';
  const operations = 'http://www.microsoft.com/GroupPolicy/GPOOperations';
  const fields = [
    'GPOGuid',
    'GPODomain',
    'GPODomainGuid',
    'GPODomainController',
    'BackupTime',
    'ID',
    'Comment',
    'GPODisplayName',
  ];
  const instance = [`{${manifest}}BackupInst`, [], fields.map(tag => [`{${manifest}}${tag}`, [], []])];
  assert.deepEqual(got['manifest'], instance);
  assert.deepEqual(got['info'], instance);
  assert.deepEqual(got['manifestRoot'], [`{${manifest}}Backups`, { [`{${manifest}}version`]: '1.0' }]);
  assert.deepEqual(got.first, got.values);
  assert.equal(got.values['BackupTime'], '2026-11-20T12:00:00');
  assert.deepEqual(
    got['backup'],
    [
      `{${operations}}GroupPolicyBackupScheme`,
      { [`{${operations}}version`]: '2.0', [`{${operations}}type`]: 'GroupPolicyBackupTemplate' },
      [`{${operations}}GroupPolicyObject`],
    ]
      .slice(0, 2)
      .concat([
        [
          `{${operations}}SecurityGroups`,
          `{${operations}}FilePaths`,
          `{${operations}}GroupPolicyCoreSettings`,
          `{${operations}}GroupPolicyExtension`,
        ],
      ]),
  );
  const core = Object.fromEntries(got.core);
  assert.deepEqual(Object.keys(core), [
    ...[
      'ID',
      'Domain',
      'SecurityDescriptor',
      'DisplayName',
      'Options',
      'UserVersionNumber',
      'MachineVersionNumber',
    ],
    ...['MachineExtensionGuids', 'UserExtensionGuids', 'WMIFilter'],
  ]);
  assert.equal(core['ID'], got.values['GPOGuid']);
  assert.match(
    core['MachineExtensionGuids'] ?? '',
    /^\[\{35378EAC-683F-11D2-A89A-00C04FBBCFA2\}\{53D6AB1D-2488-11D1-A28C-00C04FB94F17\}\{D02B1F72-3407-48AE-BA88-E8213C6761F1\}\]\[\{B1BE8D72-6EAC-11D2-A4EA-00C04F79F83A\}\{53D6AB1D-2488-11D1-A28C-00C04FB94F17\}\]$/,
  );
  assert.deepEqual(
    got.files.map(file => file[`{${operations}}Location`]),
    ['DomainSysvol\\GPO\\Machine\\registry.pol', 'DomainSysvol\\GPO\\User\\registry.pol'],
  );
  assert.deepEqual(got['report'], [
    '{http://www.microsoft.com/GroupPolicy/Settings}GPO',
    [
      'Identifier',
      'Name',
      'Comment',
      'IncludeComments',
      'CreatedTime',
      'ModifiedTime',
      'ReadTime',
      'FilterDataAvailable',
      'Computer',
      'User',
    ],
    got.values['GPOGuid'],
    got.values['GPODisplayName'],
  ]);
  // Encodings: manifest plain ASCII without declaration, Backup.xml with CR LF, the report in UTF-16LE with its mark.
  assert.match(read(dir, `${FOLDER}/manifest.xml`), /^<Backups [\x20-\x7e]*$/);
  assert.doesNotMatch(read(dir, `${FOLDER}/${first}/Backup.xml`), /[^\r]\n/);
  assert.deepEqual(
    [...readFileSync(join(folder, first, 'gpreport.xml')).subarray(0, 4)],
    [0xff, 0xfe, 0x3c, 0],
  );
});

test('the text for LGPO says what registry.pol says', t => {
  const { dir } = unpack(t, { roots: [{ certificate: ownRoot(t), role: 'current' }], proxy: PAC });
  const { Machine, User } = judged(t, PAC);
  const blocks = read(dir, `${FOLDER}/lgpo.txt`)
    .replace(/^;.*\r\n/gm, '')
    .split('\r\n\r\n')
    .map(block => block.trim().split('\r\n'))
    .filter(block => block.length === 4);
  const said = (half: string): string[] =>
    blocks.filter(b => b[0] === half).map(b => `${b[1] ?? ''}\\${b[2] ?? ''}`);
  const meant = ({ entries }: Half): string[] => entries.filter(e => e[2] !== 0).map(e => `${e[0]}\\${e[1]}`);
  const noPrint = (names: string[]): string[] => names.map(n => n.replace(/[0-9A-F]{40}/, 'PRINT'));
  assert.deepEqual(noPrint(said('Computer')), noPrint(meant(Machine)));
  assert.deepEqual(said('User'), meant(User));
});
