/**
 * Runtimes and tools with trust of their own: one shell script each for Unix (`install`, `verify`, `remove`) and commands
 * for Windows in the guide. The scripts need no root but for Docker; Java's asks for it where its store does.
 */
import type { Guide, Step } from './guide.ts';
import { scriptFile, textFile } from './plan.ts';
import type { KitFile, KitPlan } from './plan.ts';
import { proxyVariables } from './proxy-variables.ts';
import type { ProxyVariables } from './proxy-variables.ts';
import { RUNTIME_SCRIPTS, runtimeScript } from './runtime-scripts.ts';
import { sh } from './quote.ts';

const FOLDER = 'runtimes';

export function runtimeFiles(plan: KitPlan): KitFile[] {
  const variables = proxyVariables(plan.proxy);
  const data = `ROOTS=${sh(plan.roots.map(root => root.file).join(' '))}
RETIRED=${sh(plan.retired.map(root => root.file).join(' '))}
PROXY=${sh(variables?.url ?? '')}
NO_PROXY_LIST=${sh(variables?.except ?? '')}
`;
  return [
    ...Object.entries(RUNTIME_SCRIPTS).map(([name, body]) =>
      scriptFile(`${FOLDER}/${name}.sh`, runtimeScript(name, data, body)),
    ),
    textFile(`${FOLDER}/Dockerfile.example`, dockerfile(plan)),
  ];
}

function dockerfile(plan: KitPlan): string {
  return `# Put these lines into a Debian-based image, beside the roots of this kit.
FROM debian:bookworm-slim
${plan.roots.map(root => `COPY roots/${root.file}.pem /usr/local/share/ca-certificates/${root.file}.crt`).join('\n')}
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && update-ca-certificates
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \\
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt \\
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
`;
}

interface Runtime {
  id: string;
  title: string;
  about: string;
  windows: readonly Step[];
  undo: readonly Step[];
  notes: readonly string[];
  proven: string;
}

export function runtimeGuides(plan: KitPlan): Guide[] {
  const variables = proxyVariables(plan.proxy);
  const root = plan.roots[0]?.file ?? 'sightglass-root';
  return runtimes(root, variables).map(({ id, title, about, windows, undo, notes, proven }) => ({
    id: `runtimes-${id}`,
    title,
    about,
    install: [
      { text: 'On Linux and macOS, in the folder runtimes of the kit:', command: `sh ${id}.sh install` },
      ...windows,
    ],
    verify: [{ text: 'On Linux and macOS:', command: `sh ${id}.sh verify` }],
    remove: [{ text: 'On Linux and macOS:', command: `sh ${id}.sh remove` }, ...undo],
    notes,
    proven,
  }));
}

const RUN =
  'The script is run for real in tests on Debian 12, against the proxy: it works after install and fails again after remove. The commands for Windows were not run.';

function runtimes(root: string, proxy: ProxyVariables | null): Runtime[] {
  const file = `C:\\ProgramData\\Sightglass\\${root}.pem`;
  const setx = (name: string, value: string): string => `setx /M ${name} "${value}"`;
  const unset = (...names: string[]): Step => ({
    text: 'On Windows, elevated:',
    command: names
      .map(
        name =>
          `reg delete "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment" /v ${name} /f`,
      )
      .join('\n'),
  });
  const url = proxy?.url ?? null;
  return [
    {
      id: 'node',
      title: 'Node.js',
      about: 'Node has roots of its own and adds those of one file that a variable names.',
      windows: [
        {
          text: 'On Windows, elevated, with the root copied there:',
          command: setx('NODE_EXTRA_CA_CERTS', file),
        },
      ],
      undo: [unset('NODE_EXTRA_CA_CERTS')],
      notes: [
        'The file is read once, at the start of a process. From 23.8 on, `--use-system-ca` takes the roots of the system instead.',
        'fetch and http follow proxy variables with `NODE_USE_ENV_PROXY=1` from 22.21 and 24.5 on; older ones need it in their program.',
      ],
      proven: RUN,
    },
    {
      id: 'npm',
      title: 'npm',
      about: 'npm reads a certificate file and proxies from its own configuration.',
      windows: [
        {
          text: 'On Windows (the file must hold the public roots too where names are passed through):',
          command: [
            `npm config set --location=user cafile "C:\\ProgramData\\Sightglass\\bundle.pem"`,
            ...(url === null
              ? []
              : [
                  `npm config set --location=user proxy ${url}`,
                  `npm config set --location=user https-proxy ${url}`,
                ]),
          ].join('\n'),
        },
      ],
      undo: [{ text: 'On Windows:', command: 'npm config delete --location=user cafile proxy https-proxy' }],
      notes: ['yarn 1 and pnpm read the same entries of .npmrc.'],
      proven: RUN,
    },
    {
      id: 'python',
      title: 'Python and pip',
      about:
        'requests, pip and the ssl module take a bundle that a variable names. It replaces their own roots, so it holds the system’s too.',
      windows: [
        {
          text: 'On Windows, pip 24.2 and later use the store of the system by themselves; requests does with the package pip-system-certs. Otherwise make one file of the public roots and ours, and:',
          command: setx('REQUESTS_CA_BUNDLE', 'C:\\ProgramData\\Sightglass\\bundle.pem'),
        },
      ],
      undo: [unset('REQUESTS_CA_BUNDLE')],
      notes: ['A virtual environment changes nothing: variables reach it. httpx reads SSL_CERT_FILE.'],
      proven: RUN,
    },
    {
      id: 'java',
      title: 'Java',
      about: 'Each Java installation has a trust store of its own (cacerts).',
      windows: [
        {
          text: 'On Windows, Java can use the store of the system, which the group policy fills:',
          command: setx('JAVA_TOOL_OPTIONS', '-Djavax.net.ssl.trustStoreType=Windows-ROOT'),
        },
      ],
      undo: [unset('JAVA_TOOL_OPTIONS')],
      notes: [
        'Every installation needs it; name one with JAVA_HOME. An update of Java may bring a fresh cacerts: run install again. Debian’s Java follows the system’s store by itself.',
        ...(url === null
          ? []
          : [
              `Java takes its proxy from properties: \`-Dhttps.proxyHost\` and \`-Dhttps.proxyPort\`, http alike.`,
            ]),
      ],
      proven: RUN,
    },
    {
      id: 'git',
      title: 'git',
      about: 'git over HTTPS reads a certificate file and a proxy from its configuration.',
      windows: [
        {
          text: 'On Windows, git can use the store of the system:',
          command: [
            'git config --system http.sslBackend schannel',
            ...(url === null ? [] : [`git config --system http.proxy ${url}`]),
          ].join('\n'),
        },
      ],
      undo: [
        {
          text: 'On Windows:',
          command: 'git config --system --unset http.sslBackend\ngit config --system --unset http.proxy',
        },
      ],
      notes: ['git over SSH does not go through a web proxy.'],
      proven: RUN,
    },
    {
      id: 'curl',
      title: 'curl and programs that read proxy variables',
      about: 'curl reads a bundle and proxies from variables.',
      windows: [
        { text: 'curl of Windows uses the store of the system; nothing is to be done for the root.' },
      ],
      undo: [],
      notes: ['curl reads no PAC files.'],
      proven: RUN,
    },
    {
      id: 'docker',
      title: 'Docker',
      about:
        'The daemon pulls images through the proxy; containers have a trust store of their own. Run it as root.',
      windows: [
        {
          text: 'Docker Desktop takes the roots of the system at its start; its proxy is under Settings > Resources > Proxies.',
        },
        { text: 'Images of your own: Dockerfile.example shows the lines they need.' },
      ],
      undo: [],
      notes: [
        'Containers get proxy variables from ~/.docker/config.json (proxies.default); images need the root inside.',
      ],
      proven: 'The script is run in tests and its files are compared; no Docker daemon took part.',
    },
  ];
}
