/**
 * Linux: the system's trust store (Debian, Ubuntu, Alpine, RHEL, Fedora, SUSE, Arch), browser policies, proxy variables, and
 * the certificate databases of each user, because Chromium and Firefox read those and not the system's store.
 *
 * Scripts are POSIX shell and safe to run again. They write files of their own names only; the one file that others may own
 * too, Firefox's policies.json, is replaced only when told to, and put back by remove.sh.
 */
import type { Guide } from './guide.ts';
import { scriptFile, textFile } from './plan.ts';
import type { KitFile, KitPlan } from './plan.ts';
import { LINUX_INSTALL, LINUX_REMOVE, LINUX_USER, LINUX_VERIFY } from './linux-scripts.ts';
import { proxyVariables } from './proxy-variables.ts';
import { sh } from './quote.ts';
import { chromiumPolicies, firefoxPolicies } from './windows-settings.ts';

const FOLDER = 'linux';
/** Where the roots lie for Firefox, which wants a path. */
const SHARE = '/usr/local/share/sightglass';

export function linuxFiles(plan: KitPlan): KitFile[] {
  const data = `ROOTS=${sh(plan.roots.map(root => root.file).join(' '))}
RETIRED=${sh(plan.retired.map(root => root.file).join(' '))}
SHA256S=${sh(plan.roots.map(root => plainHex(root.sha256)).join(' '))}
RETIRED_SHA256S=${sh(plan.retired.map(root => plainHex(root.sha256)).join(' '))}
SHARE=${SHARE}
`;
  const script = (name: string, text: string): KitFile =>
    scriptFile(`${FOLDER}/${name}`, text.replace('@DATA@\n', data));
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const { Certificates: _, ...firefox } = firefoxPolicies(plan.proxy);
  const variables = proxyVariables(plan.proxy);
  return [
    script('install.sh', LINUX_INSTALL),
    script('verify.sh', LINUX_VERIFY),
    script('remove.sh', LINUX_REMOVE),
    script('user.sh', LINUX_USER),
    textFile(`${FOLDER}/chromium-policies.json`, json(chromiumPolicies(plan.proxy))),
    textFile(
      `${FOLDER}/firefox-policies.json`,
      json({
        policies: {
          ...(plan.roots.length === 0
            ? {}
            : { Certificates: { Install: plan.roots.map(root => `${SHARE}/${root.file}.pem`) } }),
          ...firefox,
        },
      }),
    ),
    ...(variables === null
      ? []
      : [
          textFile(`${FOLDER}/proxy-profile.sh`, variables.shell),
          textFile(`${FOLDER}/proxy-apt.conf`, variables.apt),
        ]),
  ];
}

const plainHex = (colons: string): string => colons.replaceAll(':', '').toLowerCase();

export function linuxGuide(plan: KitPlan): Guide {
  return {
    id: FOLDER,
    title: 'Linux',
    about:
      'For desktops and servers: Debian, Ubuntu, Alpine, RHEL, Fedora, SUSE and Arch. The whole kit must lie on the machine, because the scripts take the roots from its folder roots.',
    install: [
      {
        text: 'As root, in this folder: trust store, browser policies, proxy for shells and apt.',
        command: 'sudo sh install.sh',
      },
      {
        text: 'As each user who browses: the databases that Chromium and Firefox keep (needs certutil from libnss3-tools or nss-tools).',
        command: 'sh user.sh install',
      },
      { text: 'Restart the browsers; log in again for the proxy variables.' },
    ],
    verify: [
      {
        text: 'As root and as the user; with an address, the way through the proxy is tried too.',
        command: 'sh verify.sh https://www.example.com/\nsh user.sh verify',
      },
      { text: 'In Chromium open chrome://policy, in Firefox about:policies.' },
    ],
    remove: [
      { text: 'As root:', command: 'sudo sh remove.sh' },
      {
        text: 'As each user, with the browsers closed. Firefox keeps a root in the profile after its policy is gone; this takes it out.',
        command: 'sh user.sh remove',
      },
    ],
    notes: [
      'Firefox reads one policies.json only. Where another one is there, install.sh stops and names it: put the two together by hand, or run `sh install.sh --replace`, which keeps the old one for remove.sh.',
      ...(plan.proxy?.kind === 'pac'
        ? [
            'A PAC file is for browsers. Shells, apt and services need the address of a proxy; make a kit with --proxy for them.',
          ]
        : [
            'Services do not read the profile: `systemctl edit NAME` and set http_proxy, https_proxy and no_proxy with Environment=.',
          ]),
      'GNOME and KDE programs that follow the desktop’s proxy: `gsettings set org.gnome.system.proxy mode auto` with autoconfig-url, or manual with host and port.',
      'Browsers installed as snap or flatpak have their own folders; user.sh knows Firefox’s snap, others take their policies from their own management.',
    ],
    proven:
      'On Debian 12 the scripts are run for real in tests: Chromium and Firefox ESR, set up by nothing but this folder, browse through the proxy without a warning, and refuse again after remove.sh and user.sh remove. The layouts of RHEL, SUSE, Alpine and Arch are followed after their documentation and were not run.',
  };
}
