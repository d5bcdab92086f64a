/**
 * Windows without a domain: three PowerShell scripts that stand alone, certificates included, so that a management tool can
 * carry one file. Written for Windows PowerShell 5.1, which every Windows has. Plain ASCII with a byte order mark is not
 * needed then: 5.1 reads files without one in the system's code page, and ASCII is the same in all of them.
 *
 * Install refuses to replace a value somebody else set unless told to; remove deletes a value only where it is still ours.
 */
import type { Guide } from './guide.ts';
import { scriptFile } from './plan.ts';
import type { KitFile, KitPlan, PlannedRoot } from './plan.ts';
import { comment, ps } from './quote.ts';
import { windowsSettings } from './windows-settings.ts';
import type { WindowsSetting } from './windows-settings.ts';

const FOLDER = 'windows-scripts';

export function windowsScriptFiles(plan: KitPlan): KitFile[] {
  const data = dataOf(plan);
  const file = (name: string, head: string, body: string): KitFile =>
    scriptFile(`${FOLDER}/${name}`, `${head}${data}${HELPERS}${body}`.replaceAll('\n', '\r\n'));
  return [
    file('install.ps1', INSTALL_HEAD, INSTALL),
    file('verify.ps1', VERIFY_HEAD, VERIFY),
    file('remove.ps1', REMOVE_HEAD, REMOVE),
  ];
}

/** Certificates and settings as PowerShell literals. */
function dataOf(plan: KitPlan): string {
  const settings = windowsSettings(plan).filter(s => s.hive === 'machine');
  return `
$Roots = @(
${plan.roots.map(rootLiteral).join(',\n')}
)
$Retired = @(
${plan.retired.map(rootLiteral).join(',\n')}
)
$Settings = @(
${settings.map(settingLiteral).join(',\n')}
)
`;
}

/** Names are shown on a console: anything but ASCII would depend on its code page. */
function rootLiteral(root: PlannedRoot): string {
  return `    @{ Name = ${ps(comment(root.name))}; Thumbprint = '${root.sha1}'; Base64 = '${root.der.toString('base64')}' }`;
}

function settingLiteral({ key, name, data }: WindowsSetting): string {
  const path = `Registry::HKEY_LOCAL_MACHINE\\${key}`;
  const [kind, value] =
    data.type === 'dword'
      ? ['DWord', String(data.number)]
      : data.type === 'strings'
        ? ['MultiString', `@(${data.texts.map(ps).join(', ')})`]
        : ['String', data.type === 'string' ? ps(data.text) : "''"];
  return `    @{ Path = ${ps(path)}; Name = ${ps(name)}; Kind = '${kind}'; Value = ${value} }`;
}

const head = (synopsis: string, description: string, params: string, admin: boolean): string =>
  `<#
.SYNOPSIS
    ${synopsis}
.DESCRIPTION
    ${description}
#>
${admin ? '#Requires -RunAsAdministrator\n' : ''}#Requires -Version 5.1
[CmdletBinding()]
param(${params})
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
`;

const INSTALL_HEAD = head(
  'Makes this machine trust the Sightglass root and use the proxy.',
  'Values that were set differently by somebody else stop it before anything is changed; -Force replaces them.',
  '[switch] $RootOnly, [switch] $Force',
  true,
);
const VERIFY_HEAD = head(
  'Says whether this machine trusts the Sightglass root and uses the proxy.',
  'Changes nothing. Exit code 0 when everything is as it should be, 1 otherwise.',
  '[switch] $RootOnly',
  false,
);
const REMOVE_HEAD = head(
  'Takes back what install.ps1 did.',
  'A setting that was changed since is left as it is and named. -RootOnly keeps the settings; -RetiredOnly removes only roots that are out of use.',
  '[switch] $RootOnly, [switch] $RetiredOnly',
  true,
);

const HELPERS = `
function Get-Current($setting) {
    $item = Get-ItemProperty -LiteralPath $setting.Path -Name $setting.Name -ErrorAction SilentlyContinue
    if ($null -eq $item) { return $null }
    return $item.($setting.Name)
}

function Test-Ours($setting) {
    $current = Get-Current $setting
    if ($null -eq $current) { return $false }
    return ((@($current) -join [char]0) -ceq (@($setting.Value) -join [char]0))
}

function Open-RootStore($mode) {
    $store = New-Object System.Security.Cryptography.X509Certificates.X509Store('Root', 'LocalMachine')
    $store.Open($mode)
    return $store
}

function Test-Trusted($thumbprint) {
    $store = Open-RootStore 'ReadOnly'
    try { return @($store.Certificates | Where-Object { $_.Thumbprint -eq $thumbprint }).Count -gt 0 }
    finally { $store.Close() }
}

function Read-Root($root) {
    $bytes = [Convert]::FromBase64String($root.Base64)
    $certificate = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2(, $bytes)
    if ($certificate.Thumbprint -ne $root.Thumbprint) {
        throw ('The certificate in this script was changed: ' + $root.Name)
    }
    return $certificate
}

function Remove-Root($root) {
    $certificate = Read-Root $root
    $store = Open-RootStore 'ReadWrite'
    try { $store.Remove($certificate) } finally { $store.Close() }
    Write-Output ('not trusted any more: ' + $root.Name)
}
`;

const INSTALL = `
if (-not $RootOnly -and -not $Force) {
    $foreign = @($Settings | Where-Object { ($null -ne (Get-Current $_)) -and -not (Test-Ours $_) })
    # The switches of the system are always there; only a proxy that somebody set counts.
    $foreign = @($foreign | Where-Object { -not ($_.Name -eq 'ProxyEnable' -and (Get-Current $_) -eq 0) })
    if ($foreign.Count -gt 0) {
        foreach ($setting in $foreign) {
            Write-Warning ($setting.Path + '\\' + $setting.Name + ' is ' + (@(Get-Current $setting) -join ', '))
        }
        throw 'These values were set by somebody else. Nothing was changed; run again with -Force to replace them.'
    }
}

foreach ($root in $Roots) {
    $certificate = Read-Root $root
    $store = Open-RootStore 'ReadWrite'
    try { $store.Add($certificate) } finally { $store.Close() }
    Write-Output ('trusted: ' + $root.Name)
}
foreach ($root in $Retired) { Remove-Root $root }

if (-not $RootOnly) {
    foreach ($setting in $Settings) {
        if (-not (Test-Path -LiteralPath $setting.Path)) { New-Item -Path $setting.Path -Force | Out-Null }
        New-ItemProperty -LiteralPath $setting.Path -Name $setting.Name -PropertyType $setting.Kind -Value $setting.Value -Force | Out-Null
    }
    Write-Output ([string] $Settings.Count + ' settings written. Restart the browsers.')
}
`;

const VERIFY = `
$problems = 0
foreach ($root in $Roots) {
    if (Test-Trusted $root.Thumbprint) { Write-Output ('ok       trusted: ' + $root.Name) }
    else { Write-Output ('MISSING  not trusted: ' + $root.Name); $problems++ }
}
foreach ($root in $Retired) {
    if (Test-Trusted $root.Thumbprint) { Write-Output ('PRESENT  still trusted: ' + $root.Name); $problems++ }
    else { Write-Output ('ok       not trusted: ' + $root.Name) }
}
if (-not $RootOnly) {
    foreach ($setting in $Settings) {
        if (Test-Ours $setting) { Write-Output ('ok       ' + $setting.Name) }
        else {
            Write-Output ('DIFFERS  ' + $setting.Path + '\\' + $setting.Name + ' is ' + (@(Get-Current $setting) -join ', '))
            $problems++
        }
    }
}
if ($problems -gt 0) { exit 1 }
`;

const REMOVE = `
foreach ($root in $Retired) { Remove-Root $root }
if ($RetiredOnly) { return }
foreach ($root in $Roots) { Remove-Root $root }
if (-not $RootOnly) {
    foreach ($setting in $Settings) {
        if (Test-Ours $setting) {
            Remove-ItemProperty -LiteralPath $setting.Path -Name $setting.Name
        } elseif ($null -ne (Get-Current $setting)) {
            Write-Warning ('changed since, left as it is: ' + $setting.Path + '\\' + $setting.Name)
        }
    }
    Write-Output 'Settings taken back. Restart the browsers.'
}
`;

export function windowsScriptGuide(plan: KitPlan): Guide {
  const run = (script: string): string => `powershell.exe -NoProfile -ExecutionPolicy Bypass -File ${script}`;
  return {
    id: FOLDER,
    title: 'Windows: scripts',
    about:
      'For machines outside of a domain, for images, and for management tools that run scripts. Each script stands alone: the certificates are inside it.',
    install: [
      { text: 'In an elevated window, in this folder:', command: run('install.ps1') },
      ...(plan.proxy === null
        ? []
        : [
            {
              text: 'Services that use WinHTTP and do not follow the setting of the machine:',
              command: 'netsh winhttp import proxy source=ie',
            },
          ]),
      { text: 'Restart the browsers.' },
    ],
    verify: [
      {
        text: 'Nothing is changed; the exit code is 1 when something is missing.',
        command: run('verify.ps1'),
      },
      {
        text: 'The same by hand:',
        command: plan.roots.map(root => `certutil -store Root ${root.sha1}`).join('\n'),
      },
    ],
    remove: [
      { text: 'In an elevated window:', command: run('remove.ps1') },
      ...(plan.proxy === null
        ? []
        : [{ text: 'If WinHTTP was set by hand:', command: 'netsh winhttp reset proxy' }]),
    ],
    notes: [
      '`-RootOnly` leaves the proxy and the browsers alone. `install.ps1` stops before it changes anything when somebody else set one of the values; `-Force` replaces them.',
      'The scripts are not signed. Sign them with your own certificate where your policy asks for it: they are plain text.',
      'A root that a user lets Windows place by itself lands among the intermediates, where it has no effect; these scripts use the store of the machine.',
    ],
    proven:
      'Written for Windows PowerShell 5.1 and read by people only: no Windows machine and no PowerShell has run them. The values are the ones of the group policy, which are proven otherwise. Try them on one machine first.',
  };
}
