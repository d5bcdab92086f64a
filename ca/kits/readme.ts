/** The README above a kit: what it is, what to compare first, where to go on, and what nobody could prove. */
import { proxyText } from './plan.ts';
import type { KitPlan, PlannedRoot } from './plan.ts';
import type { Guide } from './guide.ts';
import { md } from './quote.ts';

const ROLES: Readonly<Record<PlannedRoot['role'], string>> = {
  current: 'signs now',
  next: 'will sign after the switch',
  previous: 'signed before; deploy it until the overlap is over',
  retired: 'out of use: this kit removes it',
};

export function kitReadme(plan: KitPlan, guides: readonly Guide[]): string {
  const rows = [...plan.roots, ...plan.retired].map(
    root =>
      `| ${md(root.name)} | ${ROLES[root.role]} | ${root.until} | \`${root.sha256}\` | \`${root.sha1}\` |`,
  );
  const several = plan.roots.length > 1;
  const links = guides
    .filter(guide => !guide.id.startsWith('runtimes-'))
    .map(guide => `| [${md(guide.title)}](${guide.id}/README.md) | ${md(guide.about)} |`);
  return `# Deployment kit of Sightglass

Sightglass is a proxy that decrypts HTTPS connections for auditing, where its policy says so. For that, clients must trust
its root certificate and use it as their proxy. This folder holds what Windows, macOS, iOS, Linux, Android and common
programs need. It was made on ${plan.time.slice(0, 10)}; the proxy in it: ${proxyMarkdown(plan)}.

## Before anything else

Whoever holds the key of a root can read the traffic of every machine that trusts it. Compare the fingerprint with the one
that the administrator of Sightglass reads to you (\`sightglass ca show\`, or the console's Deploy page), not with one that
came by the same way as this folder.

| root | role | valid until | SHA-256 | SHA-1 (thumbprint) |
|---|---|---|---|---|
${rows.join('\n')}

The files themselves: \`sha256sum --check SHA256SUMS\` in this folder. No private key is in this kit.
${several ? '\n**Two roots.** The authority is being replaced. Deploy both: clients then accept certificates of the old and of the new one,\nand nobody notices the switch. The old one is removed by a later kit.\n' : ''}${plan.retired.length > 0 ? '\n**A removal.** This kit takes roots that are out of use away from clients. Its group policy does not name them any more, so\nmachines forget them by themselves; everywhere else the install steps remove them.\n' : ''}
## In which order

1. A handful of test machines, by the guide of their platform.
2. The root for everybody, some days before the proxy. Nothing changes for users.
3. The proxy for everybody. The Deploy page of the console shows how it goes.
4. Programs with trust of their own (Java, Python, git and so on), where somebody misses them.

## Guides

| platform | for whom |
|---|---|
${links.join('\n')}
| [Programs](runtimes/README.md) | Node.js, npm, Python, Java, git, curl, Docker. |

Each guide has the parts install, verify and remove, and says how far it is proven.

## What is not proven

This kit was made on Linux. What a Linux machine can check was checked: certificates, policy files, profiles and scripts,
by programs that are not ours, and Debian's Chromium and Firefox for real. Windows, macOS, iOS and Android took no part.
For Windows there are therefore four ways that do not depend on each other: the group policy backup, the LGPO text,
\`certutil\`, and the PowerShell scripts. Try one machine first.
`;
}

function proxyMarkdown(plan: KitPlan): string {
  return md(proxyText(plan.proxy));
}
