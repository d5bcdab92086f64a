/** Windows in a domain: the group policy object as a backup to import, as LGPO text, and the route over the directory. */
import { trustedRoots } from './certificate-blob.ts';
import { gpoBackups } from './gpo-backup.ts';
import type { GpoBackup } from './gpo-backup.ts';
import type { Guide } from './guide.ts';
import { textFile } from './plan.ts';
import type { KitFile, KitPlan } from './plan.ts';
import { comment } from './quote.ts';
import { deletion } from './registry-pol.ts';
import type { RegistryData, RegistryRecord } from './registry-pol.ts';
import { windowsSettings } from './windows-settings.ts';

const FOLDER = 'windows-group-policy';
const NAME = 'Sightglass: trust and proxy';
const UNDO = 'Sightglass: undo';

/** The backups and the same settings for LGPO.exe. */
export function groupPolicyFiles(plan: KitPlan): KitFile[] {
  const settings = windowsSettings(plan);
  const of = (hive: 'machine' | 'user'): RegistryRecord[] => settings.filter(s => s.hive === hive);
  const undone = (hive: 'machine' | 'user'): RegistryRecord[] =>
    settings.filter(s => s.hive === hive && s.stays).map(s => deletion(s.key, s.name));
  const roots = trustedRoots(plan.roots.map(root => root.der));
  const backup = (name: string, comment: string, purpose: string): Omit<GpoBackup, 'machine' | 'user'> => ({
    backupId: plan.id(`gpo backup ${purpose}`),
    gpoId: plan.id(`gpo ${purpose}`),
    name,
    comment,
    time: plan.time,
    certificates: purpose === 'deploy' && plan.roots.length > 0,
  });
  const deploy: GpoBackup = {
    ...backup(NAME, 'Trusted root, proxy and browser settings for Sightglass.', 'deploy'),
    machine: [...(plan.roots.length === 0 ? [] : roots), ...of('machine')],
    user: of('user'),
  };
  const undo: GpoBackup = {
    ...backup(UNDO, 'Takes back what stays behind when the other policy is unlinked.', 'undo'),
    machine: undone('machine'),
    user: undone('user'),
  };
  return [
    ...gpoBackups(`${FOLDER}/`, plan.id('domain'), undo.machine.length === 0 ? [deploy] : [deploy, undo]),
    textFile(`${FOLDER}/lgpo.txt`, lgpoText(plan, deploy.machine, deploy.user)),
    ...plan.roots.map(root => ({ path: `${FOLDER}/${root.file}.cer`, data: root.der })),
  ];
}

/** Blocks of four lines: half, key, value name, type and data. For `LGPO.exe /t`. */
function lgpoText(
  plan: KitPlan,
  machine: readonly RegistryRecord[],
  user: readonly RegistryRecord[],
): string {
  const lines = [
    '; Sightglass: the settings of the group policy object as text for LGPO.exe /t',
    ...plan.roots.map(root => `; root: ${comment(root.name)}, SHA-256 ${root.sha256}`),
    '',
  ];
  for (const [half, records] of [
    ['Computer', machine],
    ['User', user],
  ] as const)
    for (const { key, name, data } of records) {
      const value = lgpoValue(data);
      if (value !== null) lines.push(half, key, name, value, '');
    }
  return lines.join('\r\n');
}

function lgpoValue(data: RegistryData): string | null {
  switch (data.type) {
    case 'dword':
      return `DWORD:${data.number}`;
    case 'string':
      return `SZ:${data.text}`;
    case 'strings':
      return `MULTISZ:${data.texts.join('\\0')}`;
    case 'binary':
      return `BINARY:${data.bytes.toString('hex')}`;
    case 'none':
      return null;
  }
}

export function groupPolicyGuide(plan: KitPlan): Guide {
  const thumbprints = plan.roots.map(root => root.sha1);
  const id = plan.id('gpo backup deploy');
  const hasUndo = plan.proxy !== null;
  return {
    id: FOLDER,
    title: 'Windows: group policy',
    about:
      'For machines in an Active Directory domain: one policy object carries the trusted root, the proxy of Windows, and the settings of Chrome, Edge and Firefox. You need the Group Policy Management Console (RSAT) and the right to make policy objects.',
    install: [
      {
        text: 'Copy this folder to a domain controller or a machine with RSAT, and compare the fingerprint in the README above it with the one your Sightglass console shows.',
      },
      {
        text: 'In a PowerShell window of a domain admin, in this folder, import the policy:',
        command: `Import-GPO -BackupId '${id}' -Path (Get-Location).Path -TargetName '${NAME}' -CreateIfNeeded`,
      },
      {
        text: 'Link it to a few test machines first. Replace the target by your own:',
        command: `New-GPLink -Name '${NAME}' -Target 'OU=Test,DC=example,DC=com'`,
      },
      {
        text: 'On a test machine, in an elevated window, apply it; then restart the browsers.',
        command: 'gpupdate /force',
      },
      {
        text: 'Instead of `Import-GPO`, by hand: in the console make an empty policy, choose Import Settings on it, and name this folder. Or, for the root alone: Computer Configuration > Policies > Windows Settings > Security Settings > Public Key Policies > Trusted Root Certification Authorities > Import.',
      },
      {
        text: 'Instead of a policy, for the root alone and the whole forest: publish it into the directory. Every machine takes it within eight hours, or at once after `gpupdate /force`. This needs an enterprise admin and reaches every domain of the forest.',
        command: plan.roots.map(root => `certutil -dspublish -f ${root.file}.cer RootCA`).join('\n'),
      },
    ],
    verify: [
      {
        text: 'On a client, elevated: the root is in the store that policies fill.',
        command: thumbprints.map(print => `certutil -grouppolicy -store Root ${print}`).join('\n'),
      },
      {
        text: 'The policy is applied and lists the registry values:',
        command: 'gpresult /scope computer /h report.html',
      },
      {
        text: 'In Chrome open chrome://policy, in Edge edge://policy, in Firefox about:policies: the proxy, QUIC, ECH and DNS settings are there without errors.',
      },
      {
        text: 'Open a web site and look at its certificate: it is issued by the root above. The connection shows in the Sightglass console.',
      },
    ],
    remove: [
      {
        text: 'Unlink the policy, or take the certificate out of it. What stands below Software\\Policies, the root among it, goes away with the next refresh of the policy.',
        command: `Remove-GPLink -Name '${NAME}' -Target 'OU=Test,DC=example,DC=com'`,
      },
      ...(hasUndo
        ? [
            {
              text: 'The proxy of Windows stays, because Windows keeps values outside of its policy keys. Import the second policy of this folder, link it where the first one was, and unlink it a few days later:',
              command: `Import-GPO -BackupId '${plan.id('gpo backup undo')}' -Path (Get-Location).Path -TargetName '${UNDO}' -CreateIfNeeded\nNew-GPLink -Name '${UNDO}' -Target 'OU=Test,DC=example,DC=com'`,
            },
          ]
        : []),
      {
        text: 'A root that was published into the directory is deleted in PKIView (Enterprise PKI > Manage AD Containers > Certification Authorities Container).',
      },
    ],
    notes: [
      'A policy that is imported again replaces the settings of the policy object as a whole: change your own settings in another object.',
      'lgpo.txt and registry.pol hold the same settings for machines without a domain: `LGPO.exe /t lgpo.txt`, or `LGPO.exe /g .` for the whole folder.',
      'The user half sets the proxy for a policy that is linked to users only. The root is in the machine half alone: Windows takes roots from there.',
      'The hidden attribute of manifest.xml, which GPMC sets, is not kept by zip files; nothing depends on it.',
    ],
    proven:
      'registry.pol is read and written back byte for byte by Samba, whose own policy extensions turn it into the settings above; the certificate values are recomputed by other programs; the XML files are compared with the structure of public backups. No Windows machine has imported this folder: that GPMC, `Import-GPO` and `LGPO.exe` accept it is not proven. Should one of them refuse, take one of the other routes of this page or the scripts in windows-scripts, and tell us.',
  };
}
