/**
 * macOS, iOS and iPadOS: configuration profiles (property lists), and a script for Macs that no MDM looks after.
 *
 * Two profiles, because they reach different devices: the root alone installs anywhere, the proxy payload only on Macs and
 * supervised iPhones and iPads. Identifiers do not change between kits, so a later profile replaces the earlier one.
 */
import type { Guide } from './guide.ts';
import { deployableRoots } from '../roots.ts';
import { planKit, scriptFile, textFile } from './plan.ts';
import type { KitFile, KitPlan, PlannedRoot, ProxyChoice } from './plan.ts';
import { comment, sh, xml } from './quote.ts';

const FOLDER = 'apple';

type Plist = string | number | boolean | Buffer | readonly Plist[] | { readonly [key: string]: Plist };

/** The profile with every root that clients shall trust, as text: what the setup site hands to Apple devices. */
export function appleRootProfile(dir: string, time: number): string {
  const { roots } = deployableRoots(dir);
  const [file] = appleFiles(planKit({ roots, proxy: null, time }));
  return file?.data.toString('utf8') ?? '';
}

export function appleFiles(plan: KitPlan): KitFile[] {
  const roots = plan.roots.map(root => rootPayload(plan, root));
  const files: KitFile[] = [];
  if (roots.length > 0)
    files.push(
      profile(plan, 'sightglass-root', 'Sightglass: trusted root', 'The root of Sightglass.', roots),
    );
  if (plan.proxy !== null)
    files.push(
      profile(
        plan,
        'sightglass-root-and-proxy',
        'Sightglass: root and proxy',
        'Root and proxy of Sightglass.',
        [...roots, proxyPayload(plan, plan.proxy)],
      ),
    );
  return [...files, ...scripts(plan)];
}

function profile(
  plan: KitPlan,
  name: string,
  title: string,
  description: string,
  payloads: readonly Plist[],
): KitFile {
  const value: Plist = {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: `sightglass.kit.${name}`,
    PayloadUUID: plan.id(`apple ${name}`),
    PayloadDisplayName: title,
    PayloadDescription: description,
    PayloadScope: 'System',
    PayloadContent: payloads,
  };
  return textFile(
    `${FOLDER}/${name}.mobileconfig`,
    `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${plist(value)}
</plist>
`,
  );
}

function rootPayload(plan: KitPlan, root: PlannedRoot): Plist {
  return {
    PayloadType: 'com.apple.security.root',
    PayloadVersion: 1,
    PayloadIdentifier: `sightglass.kit.root.${root.file}`,
    PayloadUUID: plan.id(`apple root ${root.sha256}`),
    PayloadDisplayName: root.name,
    PayloadCertificateFileName: `${root.file}.cer`,
    PayloadContent: root.der,
  };
}

function proxyPayload(plan: KitPlan, proxy: ProxyChoice): Plist {
  return {
    PayloadType: 'com.apple.proxy.http.global',
    PayloadVersion: 1,
    PayloadIdentifier: 'sightglass.kit.proxy',
    PayloadUUID: plan.id('apple proxy'),
    PayloadDisplayName: 'Sightglass proxy',
    ...(proxy.kind === 'pac'
      ? { ProxyType: 'Auto', ProxyPACURL: proxy.url, ProxyPACFallbackAllowed: false }
      : { ProxyType: 'Manual', ProxyServer: proxy.host, ProxyServerPort: proxy.port }),
    ProxyCaptiveLoginAllowed: true,
  };
}

function plist(value: Plist): string {
  if (typeof value === 'string') return `<string>${xml(value)}</string>`;
  if (typeof value === 'number') return `<integer>${value}</integer>`;
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>';
  if (Buffer.isBuffer(value)) return `<data>${value.toString('base64')}</data>`;
  if (Array.isArray(value)) return `<array>\n${value.map(plist).join('\n')}\n</array>`;
  const entries = Object.entries(value).map(([key, v]) => `<key>${xml(key)}</key>\n${plist(v)}`);
  return `<dict>\n${entries.join('\n')}\n</dict>`;
}

/** For a Mac that no MDM looks after. The tools are named by their path: an administrator's shell may find others. */
function scripts(plan: KitPlan): KitFile[] {
  const proxy = plan.proxy;
  const head = (what: string): string => `#!/bin/sh
# ${what} Run it with sudo on a Mac, from this folder.
# shellcheck disable=SC2034 # the scripts share the names below
set -eu
cd "$(dirname "$0")"
KEYCHAIN=/Library/Keychains/System.keychain
services() { /usr/sbin/networksetup -listallnetworkservices | tail -n +2 | sed 's/^\\*//'; }
`;
  const each = (lines: string[]): string =>
    lines.length === 0
      ? ''
      : `services | while IFS= read -r service; do\n${lines.map(l => `  ${l}`).join('\n')}\ndone\n`;
  const on =
    proxy === null
      ? []
      : proxy.kind === 'pac'
        ? [`/usr/sbin/networksetup -setautoproxyurl "$service" ${sh(proxy.url)}`]
        : ['-setwebproxy', '-setsecurewebproxy'].map(
            flag => `/usr/sbin/networksetup ${flag} "$service" ${sh(proxy.host)} ${proxy.port}`,
          );
  const off =
    proxy === null
      ? []
      : proxy.kind === 'pac'
        ? ['/usr/sbin/networksetup -setautoproxystate "$service" off']
        : ['-setwebproxystate', '-setsecurewebproxystate'].map(
            flag => `/usr/sbin/networksetup ${flag} "$service" off`,
          );
  const show = proxy?.kind === 'pac' ? '-getautoproxyurl' : '-getsecurewebproxy';
  const drop = (root: PlannedRoot): string =>
    `# ${comment(root.name)}\n/usr/bin/security delete-certificate -Z ${root.sha1} -t "$KEYCHAIN" || echo ${sh(`was not there: ${comment(root.name)}`)}\n`;
  return [
    scriptFile(
      `${FOLDER}/install.sh`,
      `${head('Makes this Mac trust the Sightglass root and use the proxy.')}${plan.roots
        .map(
          root =>
            `/usr/bin/security add-trusted-cert -d -r trustRoot -k "$KEYCHAIN" ../roots/${root.file}.pem\n`,
        )
        .join('')}${plan.retired.map(drop).join('')}${each(on)}echo 'Done. Restart the browsers.'\n`,
    ),
    scriptFile(
      `${FOLDER}/verify.sh`,
      `${head('Says whether this Mac trusts the Sightglass root. Changes nothing.')}failed=0
${plan.roots
  .map(
    root =>
      `/usr/bin/security verify-cert -c ../roots/${root.file}.pem && echo ${sh(`trusted: ${comment(root.name)}`)} || failed=1\n`,
  )
  .join('')}${proxy === null ? '' : each([`/usr/sbin/networksetup ${show} "$service"`])}exit "$failed"\n`,
    ),
    scriptFile(
      `${FOLDER}/remove.sh`,
      `${head('Takes back what install.sh did.')}${[...plan.roots, ...plan.retired].map(drop).join('')}${each(off)}echo 'Done. Restart the browsers.'\n`,
    ),
  ];
}

export function appleGuide(plan: KitPlan): Guide {
  const profiles =
    plan.proxy === null ? 'sightglass-root.mobileconfig' : 'sightglass-root-and-proxy.mobileconfig';
  return {
    id: FOLDER,
    title: 'macOS, iOS and iPadOS',
    about:
      'Configuration profiles for an MDM or for Apple Configurator, and scripts for Macs without either.',
    install: [
      { text: `With an MDM: upload ${profiles} as a custom profile for devices, and assign it.` },
      {
        text: 'An iPhone or iPad by hand: send it sightglass-root.mobileconfig, install it under Settings > General > VPN & Device Management, then switch it on under Settings > General > About > Certificate Trust Settings. Set the proxy in the settings of the Wi-Fi network.',
      },
      { text: 'A Mac without MDM:', command: 'sudo sh install.sh' },
    ],
    verify: [
      { text: 'On a Mac:', command: 'sh verify.sh\nsudo profiles show' },
      {
        text: 'On an iPhone or iPad: the profile is listed, and a web site opens in Safari without a warning.',
      },
    ],
    remove: [
      { text: 'Take the profile back in the MDM, or delete it on the device where it was installed.' },
      { text: 'A Mac that was set up by the script:', command: 'sudo sh remove.sh' },
    ],
    notes: [
      'The proxy payload is honoured on Macs and on supervised iPhones and iPads. Other devices take sightglass-root.mobileconfig and their proxy by hand.',
      'A root installed by hand on iOS is not trusted for web sites until it is switched on; one installed by an MDM or Configurator is.',
      'The profiles are not signed; a device says so when they are installed by hand. An MDM signs what it sends.',
      'Firefox follows the system’s roots through its own policy ImportEnterpriseRoots, which its MDM template can set.',
    ],
    proven:
      'The profiles are read by two other property list readers and hold the keys that Apple documents; the scripts were checked by a shell and a linter. No Apple device has taken either.',
  };
}
