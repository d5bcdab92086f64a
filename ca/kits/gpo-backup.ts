/**
 * A group policy object as a backup folder, in the layout that GPMC ("Import Settings"), `Import-GPO` and `LGPO.exe /g`
 * read: a manifest above, and per backup bkupInfo.xml, Backup.xml, gpreport.xml and the policy files. The layout was taken
 * from public backups made by GPMC; no Windows machine has read one of ours.
 *
 * A backup names the domain and controller it came from. Ours came from none: the names end in `.invalid`, and the
 * security descriptor and groups hold only identities that exist in every domain. An import takes over settings, not these.
 */
import { cdata, xml } from './quote.ts';
import { registryPol } from './registry-pol.ts';
import type { RegistryData, RegistryRecord } from './registry-pol.ts';
import { textFile } from './plan.ts';
import type { KitFile } from './plan.ts';

export interface GpoBackup {
  /** GUIDs in upper case without braces: of the backup, and of the policy object it pretends to be. */
  backupId: string;
  gpoId: string;
  name: string;
  comment: string;
  /** `2026-11-20T12:00:00`. */
  time: string;
  machine: readonly RegistryRecord[];
  user: readonly RegistryRecord[];
  /** Whether the machine half carries certificates: another extension has to look at it then. */
  certificates: boolean;
}

const DOMAIN = 'sightglass.invalid';
const CONTROLLER = 'none.sightglass.invalid';
const MANIFEST = 'http://www.microsoft.com/GroupPolicy/GPOOperations/Manifest';
const OPERATIONS = 'http://www.microsoft.com/GroupPolicy/GPOOperations';

/** manifest.xml and one folder per backup, below `folder` (which ends in a slash or is empty). */
export function gpoBackups(folder: string, domainId: string, backups: readonly GpoBackup[]): KitFile[] {
  const manifest = `<Backups xmlns="${MANIFEST}" xmlns:mfst="${MANIFEST}" mfst:version="1.0">${backups
    .map(b => `<BackupInst>${instance(b, domainId)}</BackupInst>`)
    .join('')}</Backups>`;
  return [
    textFile(`${folder}manifest.xml`, manifest),
    ...backups.flatMap(b => oneBackup(folder, domainId, b)),
  ];
}

function oneBackup(folder: string, domainId: string, backup: GpoBackup): KitFile[] {
  const base = `${folder}{${backup.backupId}}/`;
  const pol = `${base}DomainSysvol/GPO/`;
  return [
    textFile(
      `${base}bkupInfo.xml`,
      `<BackupInst xmlns="${MANIFEST}">${instance(backup, domainId)}</BackupInst>`,
    ),
    textFile(`${base}Backup.xml`, scheme(backup).replaceAll('\n', '\r\n')),
    {
      path: `${base}gpreport.xml`,
      data: Buffer.from(`\ufeff${report(backup).replaceAll('\n', '\r\n')}`, 'utf16le'),
    },
    { path: `${pol}Machine/registry.pol`, data: registryPol(backup.machine) },
    { path: `${pol}User/registry.pol`, data: registryPol(backup.user) },
  ];
}

function instance(backup: GpoBackup, domainId: string): string {
  const fields: [string, string][] = [
    ['GPOGuid', `{${backup.gpoId}}`],
    ['GPODomain', DOMAIN],
    ['GPODomainGuid', `{${domainId}}`],
    ['GPODomainController', CONTROLLER],
    ['BackupTime', backup.time],
    ['ID', `{${backup.backupId}}`],
    ['Comment', backup.comment],
    ['GPODisplayName', backup.name],
  ];
  return fields.map(([tag, value]) => `<${tag}>${cdata(value)}</${tag}>`).join('');
}

/** Client-side extensions and the editor that wrote for them, as GPMC lists them for the same settings. */
const REGISTRY = '{35378EAC-683F-11D2-A89A-00C04FBBCFA2}';
const EFS_RECOVERY = '{B1BE8D72-6EAC-11D2-A4EA-00C04F79F83A}';
const PUBLIC_KEY_EDITOR = '{53D6AB1D-2488-11D1-A28C-00C04FB94F17}';
const MACHINE_TEMPLATES = '{D02B1F72-3407-48AE-BA88-E8213C6761F1}';
const USER_TEMPLATES = '{D02B1F73-3407-48AE-BA88-E8213C6761F1}';

function machineExtensions({ machine, certificates }: GpoBackup): string {
  if (machine.length === 0) return '';
  return certificates
    ? `[${REGISTRY}${PUBLIC_KEY_EDITOR}${MACHINE_TEMPLATES}][${EFS_RECOVERY}${PUBLIC_KEY_EDITOR}]`
    : `[${REGISTRY}${MACHINE_TEMPLATES}]`;
}

const optionalData = (tag: string, value: string): string =>
  value === '' ? `<${tag}/>` : `<${tag}>${cdata(value)}</${tag}>`;

function scheme(backup: GpoBackup): string {
  const sysvol = `\\\\${CONTROLLER}\\sysvol\\${DOMAIN}\\Policies\\{${backup.gpoId}}`;
  const file = (variable: string, half: string): string =>
    `<FSObjectFile bkp:Path="%${variable}%\\registry.pol" bkp:SourceExpandedPath="${xml(`${sysvol}\\${half}\\registry.pol`)}" bkp:Location="DomainSysvol\\GPO\\${half}\\registry.pol"/>`;
  // A version counts changes: the upper half those of the user side, the lower those of the machine side.
  return `<?xml version="1.0" encoding="utf-8"?>
<GroupPolicyBackupScheme bkp:version="2.0" bkp:type="GroupPolicyBackupTemplate" xmlns:bkp="${OPERATIONS}" xmlns="${OPERATIONS}">
  <GroupPolicyObject><SecurityGroups/><FilePaths/><GroupPolicyCoreSettings><ID>${cdata(`{${backup.gpoId}}`)}</ID><Domain>${cdata(DOMAIN)}</Domain><SecurityDescriptor>${SECURITY}</SecurityDescriptor><DisplayName>${cdata(backup.name)}</DisplayName><Options>${cdata('0')}</Options><UserVersionNumber>${cdata(backup.user.length === 0 ? '0' : '65537')}</UserVersionNumber><MachineVersionNumber>${cdata(backup.machine.length === 0 ? '0' : '65537')}</MachineVersionNumber>${optionalData('MachineExtensionGuids', machineExtensions(backup))}${optionalData('UserExtensionGuids', backup.user.length === 0 ? '' : `[${REGISTRY}${USER_TEMPLATES}]`)}<WMIFilter/></GroupPolicyCoreSettings>
    <GroupPolicyExtension bkp:ID="${REGISTRY}" bkp:DescName="Registry">
      ${file('GPO_MACH_FSPATH', 'Machine')}
      ${file('GPO_USER_FSPATH', 'User')}
    </GroupPolicyExtension>
  </GroupPolicyObject>
</GroupPolicyBackupScheme>
`;
}

/**
 * A self-relative security descriptor (MS-DTYP §2.4.6) with a protected DACL: authenticated users read and apply (the
 * object right edacfd8f-…), domain controllers read, SYSTEM and administrators of the machine may do everything.
 */
const SECURITY = securityDescriptor();

function securityDescriptor(): string {
  const sid = (...authorities: number[]): Buffer => {
    const parts = authorities.map(n => {
      const b = Buffer.alloc(4);
      b.writeUInt32LE(n);
      return b;
    });
    return Buffer.concat([Buffer.of(1, parts.length, 0, 0, 0, 0, 0, 5), ...parts]);
  };
  const ace = (type: number, mask: number, object: Buffer, who: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head[0] = type;
    head[1] = 2; // containers inherit
    head.writeUInt16LE(8 + object.length + who.length, 2);
    head.writeUInt32LE(mask, 4);
    return Buffer.concat([head, object, who]);
  };
  const apply = Buffer.concat([
    Buffer.of(1, 0, 0, 0),
    Buffer.from('8ffdacedb3ffd111b41d00a0c968f939', 'hex'),
  ]);
  const none = Buffer.alloc(0);
  const everything = 0x000f00ff;
  const read = 0x00020094;
  const aces = [
    ace(5, 0x100, apply, sid(11)),
    ace(0, everything, none, sid(32, 544)),
    ace(0, read, none, sid(9)),
    ace(0, read, none, sid(11)),
    ace(0, everything, none, sid(18)),
  ];
  const body = Buffer.concat(aces);
  const acl = Buffer.alloc(8);
  acl[0] = 4;
  acl.writeUInt16LE(8 + body.length, 2);
  acl.writeUInt16LE(aces.length, 4);
  const head = Buffer.from('0100049c00000000000000000000000014000000', 'hex');
  return (Buffer.concat([head, acl, body]).toString('hex').match(/../g) ?? []).join(' ');
}

/** The settings report: GPMC shows it, an import reads its name and ids. */
function report(backup: GpoBackup): string {
  const types = 'http://www.microsoft.com/GroupPolicy/Types';
  const half = (records: readonly RegistryRecord[]): string => {
    const version = records.length === 0 ? 0 : 1;
    const shown = records.flatMap(reported);
    return `<VersionDirectory>${version}</VersionDirectory><VersionSysvol>${version}</VersionSysvol><Enabled>true</Enabled>${
      shown.length === 0
        ? ''
        : `<ExtensionData><Extension xmlns:q1="http://www.microsoft.com/GroupPolicy/Settings/Registry" xsi:type="q1:RegistrySettings">${shown.join('')}<q1:Blocked>false</q1:Blocked></Extension><Name>Registry</Name></ExtensionData>`
    }`;
  };
  return `<?xml version="1.0" encoding="utf-16"?>
<GPO xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://www.microsoft.com/GroupPolicy/Settings">
  <Identifier>
    <Identifier xmlns="${types}">{${backup.gpoId}}</Identifier>
    <Domain xmlns="${types}">${DOMAIN}</Domain>
  </Identifier>
  <Name>${xml(backup.name)}</Name>
  <Comment>${xml(backup.comment)}</Comment>
  <IncludeComments>true</IncludeComments>
  <CreatedTime>${backup.time}Z</CreatedTime>
  <ModifiedTime>${backup.time}Z</ModifiedTime>
  <ReadTime>${backup.time}Z</ReadTime>
  <FilterDataAvailable>false</FilterDataAvailable>
  <Computer>${half(backup.machine)}</Computer>
  <User>${half(backup.user)}</User>
</GPO>
`;
}

/** Numbers and texts; certificates and deletions have no place in this part of a report. */
function reported({ key, name, data }: RegistryRecord): string[] {
  if (name.startsWith('**')) return [];
  const value = reportedValue(data);
  return value === null
    ? []
    : [
        `<q1:RegistrySetting><q1:KeyPath>${xml(key)}</q1:KeyPath><q1:AdmSetting>false</q1:AdmSetting><q1:Value><q1:Name>${xml(name)}</q1:Name>${value}</q1:Value></q1:RegistrySetting>`,
      ];
}

function reportedValue(data: RegistryData): string | null {
  switch (data.type) {
    case 'dword':
      return `<q1:Number>${data.number}</q1:Number>`;
    case 'string':
      return `<q1:String>${xml(data.text)}</q1:String>`;
    case 'strings':
      return `<q1:String>${xml(data.texts.join(' '))}</q1:String>`;
    case 'binary':
    case 'none':
      return null;
  }
}
