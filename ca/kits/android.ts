/** Android: roots by device management, by hand, and for apps of one's own, which have to say that they trust users' roots. */
import type { Guide } from './guide.ts';
import { hostPort, textFile } from './plan.ts';
import type { KitFile, KitPlan } from './plan.ts';

const FOLDER = 'android';

export function androidFiles(plan: KitPlan): KitFile[] {
  const resources = plan.roots.map(root => root.file.replaceAll('-', '_'));
  return [
    textFile(
      `${FOLDER}/res/xml/network_security_config.xml`,
      `<?xml version="1.0" encoding="utf-8"?>
<network-security-config>
  <base-config cleartextTrafficPermitted="false">
    <trust-anchors>
      <certificates src="system"/>
${resources.map(name => `      <certificates src="@raw/${name}"/>`).join('\n')}
    </trust-anchors>
  </base-config>
  <debug-overrides>
    <trust-anchors>
      <certificates src="user"/>
    </trust-anchors>
  </debug-overrides>
</network-security-config>
`,
    ),
    ...plan.roots.map((root, i) => textFile(`${FOLDER}/res/raw/${resources[i] ?? ''}.pem`, root.pem)),
  ];
}

export function androidGuide(plan: KitPlan): Guide {
  const proxy = plan.proxy;
  const address =
    proxy === null ? null : proxy.kind === 'pac' ? `PAC URL ${proxy.url}` : `manual, ${hostPort(proxy)}`;
  return {
    id: FOLDER,
    title: 'Android',
    about: 'For managed phones and tablets, for single devices, and for developers of in-house apps.',
    install: [
      {
        text: 'With device management (Android Enterprise): add a certificate authority to the policy of the work profile or device, with this file:',
        command: plan.roots.map(root => `${root.file}.cer   (in the folder roots of this kit)`).join('\n'),
      },
      ...(address === null
        ? []
        : [
            {
              text: 'Proxy: in the device management the recommended global proxy or the Wi-Fi profile; by hand Wi-Fi > the network > Advanced > Proxy:',
              command: address,
            },
          ]),
      {
        text: 'By hand: Settings > Security > More > Encryption & credentials > Install a certificate > CA certificate, and choose the file.',
      },
      {
        text: 'In-house apps: copy res into the app and name the configuration in the manifest, on the element application:',
        command: 'android:networkSecurityConfig="@xml/network_security_config"',
      },
    ],
    verify: [
      { text: 'Settings > Security > Trusted credentials > User lists the root.' },
      {
        text: 'Chrome opens a web site without a warning, and the connection shows in the Sightglass console.',
      },
    ],
    remove: [
      {
        text: 'Take the certificate out of the policy, or: Settings > Security > Trusted credentials > User > the root > Remove.',
      },
    ],
    notes: [
      'Apps that were built for Android 7 or later ignore roots that users or policies add, unless they say otherwise. Such apps fail when they are inspected: pass their names through. The console shows which clients refuse.',
      'Chrome and other browsers accept added roots.',
    ],
    proven:
      'The XML is well-formed and follows Android’s documentation of the network security configuration. No device took part.',
  };
}
