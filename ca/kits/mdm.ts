/**
 * Windows under mobile device management: what Intune calls custom settings, as SyncML bodies any MDM can send, and as a
 * table of paths and values to type in. Root: RootCATrustedCertificates CSP; proxy: NetworkProxy CSP.
 */
import type { Guide, Step } from './guide.ts';
import { hostPort, textFile } from './plan.ts';
import type { KitFile, KitPlan } from './plan.ts';
import { xml } from './quote.ts';

const FOLDER = 'windows-mdm';

interface Node {
  uri: string;
  format: 'chr' | 'int' | 'b64' | 'bool';
  value: string;
}

function nodes(plan: KitPlan): Node[] {
  const proxy = plan.proxy;
  const base = './Vendor/MSFT/NetworkProxy';
  const roots = plan.roots.map((root): Node => ({
    uri: `./Device/Vendor/MSFT/RootCATrustedCertificates/Root/${root.sha1}/EncodedCertificate`,
    format: 'b64',
    value: root.der.toString('base64'),
  }));
  if (proxy === null) return roots;
  const common: Node[] = [
    { uri: `${base}/ProxySettingsPerUser`, format: 'int', value: '0' },
    { uri: `${base}/AutoDetect`, format: 'int', value: '0' },
  ];
  if (proxy.kind === 'pac')
    return [...roots, ...common, { uri: `${base}/SetupScriptUrl`, format: 'chr', value: proxy.url }];
  return [
    ...roots,
    ...common,
    { uri: `${base}/ProxyServer/ProxyAddress`, format: 'chr', value: hostPort(proxy) },
    ...(proxy.bypass.length === 0
      ? []
      : [{ uri: `${base}/ProxyServer/Exceptions`, format: 'chr' as const, value: proxy.bypass.join(';') }]),
    { uri: `${base}/ProxyServer/UseProxyForLocalAddresses`, format: 'int', value: '0' },
  ];
}

export function mdmFiles(plan: KitPlan): KitFile[] {
  const set = nodes(plan);
  const retired = plan.retired.map(
    root => `./Device/Vendor/MSFT/RootCATrustedCertificates/Root/${root.sha1}`,
  );
  const gone = [
    ...plan.roots.map(root => `./Device/Vendor/MSFT/RootCATrustedCertificates/Root/${root.sha1}`),
    ...set.filter(node => /SetupScriptUrl|ProxyAddress|Exceptions/.test(node.uri)).map(node => node.uri),
    ...(plan.proxy === null ? [] : ['./Vendor/MSFT/NetworkProxy/ProxySettingsPerUser']),
  ];
  return [
    textFile(`${FOLDER}/install.xml`, body([...set.map(replace), ...retired.map(remove)])),
    textFile(`${FOLDER}/remove.xml`, body([...gone, ...retired].map(remove))),
    textFile(`${FOLDER}/oma-uri.csv`, csv(set)),
  ];
}

const body = (commands: ((id: number) => string)[]): string =>
  `<?xml version="1.0" encoding="utf-8"?>
<SyncBody xmlns="SYNCML:SYNCML1.2">
${commands.map((make, i) => make(i + 1)).join('\n')}
  <Final/>
</SyncBody>
`;

const replace =
  ({ uri, format, value }: Node) =>
  (id: number): string => `  <Replace>
    <CmdID>${id}</CmdID>
    <Item>
      <Target><LocURI>${xml(uri)}</LocURI></Target>
      <Meta><Format xmlns="syncml:metinf">${format}</Format></Meta>
      <Data>${xml(value)}</Data>
    </Item>
  </Replace>`;

const remove =
  (uri: string) =>
  (id: number): string => `  <Delete>
    <CmdID>${id}</CmdID>
    <Item><Target><LocURI>${xml(uri)}</LocURI></Target></Item>
  </Delete>`;

/** Rows for Intune's form "custom profile": its words for the types. */
function csv(set: readonly Node[]): string {
  const types = { chr: 'String', int: 'Integer', b64: 'String', bool: 'Boolean' } as const;
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const rows = set.map(node => [node.uri.split('/').at(-1) ?? '', node.uri, types[node.format], node.value]);
  return [['Name', 'OMA-URI', 'Data type', 'Value'], ...rows]
    .map(row => row.map(cell).join(','))
    .join('\r\n')
    .concat('\r\n');
}

export function mdmGuide(plan: KitPlan): Guide {
  const roots: Step[] = plan.roots.map(root => ({
    text: `In Intune: Devices > Configuration > Create > Windows 10 and later > Templates > Trusted certificate. Store: Computer certificate store, Root. File:`,
    command: `${root.file}.cer   (in the folder roots of this kit)`,
  }));
  return {
    id: FOLDER,
    title: 'Windows: Intune and other MDM',
    about:
      'For machines that a device management service looks after. Browser settings come best through the service’s own catalogue (Chrome, Edge and Firefox templates); the names and values are those of the group policy.',
    install: [
      ...roots,
      ...(plan.proxy === null
        ? []
        : [
            {
              text: 'Proxy: a profile of type Custom, one row for each line of oma-uri.csv that begins with `./Vendor/MSFT/NetworkProxy`.',
            },
          ]),
      { text: 'Another MDM: send the commands of install.xml as they are.' },
    ],
    verify: [
      {
        text: 'On a client, elevated:',
        command: plan.roots.map(root => `certutil -store Root ${root.sha1}`).join('\n'),
      },
      { text: 'Settings > Network & internet > Proxy shows the address, greyed out.' },
    ],
    remove: [{ text: 'Take the profiles back from the group, or send remove.xml.' }],
    notes: [
      'Only the machine’s store takes roots this way; `./User` is not supported for Root.',
      'The certificate value is base64 of the DER without line breaks.',
    ],
    proven:
      'Paths and formats follow Microsoft’s pages about these two providers. The XML is well-formed; no Windows machine and no MDM has taken it.',
  };
}
