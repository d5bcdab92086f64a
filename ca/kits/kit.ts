/**
 * The kit: every target's files and guides in one list, with a README above, fingerprints, and a sum of each file. Pure: the
 * same plan gives the same bytes. Writing them to a folder or a zip is the caller's.
 */
import { createHash } from 'node:crypto';
import { androidFiles, androidGuide } from './android.ts';
import { appleFiles, appleGuide } from './apple.ts';
import { guideText } from './guide.ts';
import type { Guide } from './guide.ts';
import { linuxFiles, linuxGuide } from './linux.ts';
import { mdmFiles, mdmGuide } from './mdm.ts';
import { planKit, textFile } from './plan.ts';
import type { KitFile, KitOptions, KitPlan } from './plan.ts';
import { kitReadme } from './readme.ts';
import { runtimeFiles, runtimeGuides } from './runtimes.ts';
import { groupPolicyFiles, groupPolicyGuide } from './windows-group-policy.ts';
import { windowsScriptFiles, windowsScriptGuide } from './windows-scripts.ts';

/** All guides, in the order in which people look for them. */
export function kitGuides(plan: KitPlan): Guide[] {
  return [
    groupPolicyGuide(plan),
    windowsScriptGuide(plan),
    mdmGuide(plan),
    appleGuide(plan),
    linuxGuide(plan),
    androidGuide(plan),
    ...runtimeGuides(plan),
  ];
}

/** The files of a kit, sorted by path. Throws KitRefusal when the options make none. */
export function buildKit(options: KitOptions): KitFile[] {
  const plan = planKit(options);
  const guides = kitGuides(plan);
  const files = [
    ...rootFiles(plan),
    ...groupPolicyFiles(plan),
    ...windowsScriptFiles(plan),
    ...mdmFiles(plan),
    ...appleFiles(plan),
    ...linuxFiles(plan),
    ...androidFiles(plan),
    ...runtimeFiles(plan),
    ...readmes(guides),
    textFile('README.md', kitReadme(plan, guides)),
    textFile('kit.json', `${JSON.stringify(described(plan), null, 2)}\n`),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...files, textFile('SHA256SUMS', sums(files))];
}

/** Each root as PEM and DER, and all of them in one file for tools that take one. */
function rootFiles(plan: KitPlan): KitFile[] {
  return [
    ...plan.roots.flatMap(root => [
      textFile(`roots/${root.file}.pem`, root.pem),
      { path: `roots/${root.file}.cer`, data: root.der },
    ]),
    ...(plan.roots.length === 0
      ? []
      : [textFile('roots/sightglass-roots.pem', plan.roots.map(root => root.pem).join(''))]),
    ...plan.retired.map(root => ({ path: `roots/retired/${root.file}.cer`, data: root.der })),
  ];
}

/** One README per folder; the runtimes share theirs. */
function readmes(guides: readonly Guide[]): KitFile[] {
  const runtimes = guides.filter(guide => guide.id.startsWith('runtimes-'));
  return [
    ...guides
      .filter(guide => !runtimes.includes(guide))
      .map(guide => textFile(`${guide.id}/README.md`, guideText(guide))),
    textFile(
      'runtimes/README.md',
      `# Runtimes and tools\n\n${runtimes.map(guide => guideText(guide, 2)).join('\n')}`,
    ),
  ];
}

function described(plan: KitPlan): object {
  const root = ({ name, role, file, sha1, sha256, until }: KitPlan['roots'][number]): object => ({
    name,
    role,
    file,
    sha256: sha256.replaceAll(':', '').toLowerCase(),
    sha1: sha1.toLowerCase(),
    until,
  });
  return {
    format: 1,
    made: `${plan.time}Z`,
    proxy: plan.proxy,
    roots: plan.roots.map(root),
    retired: plan.retired.map(root),
    gpoBackup: plan.id('gpo backup deploy'),
  };
}

/** In the form that `sha256sum --check` reads. */
function sums(files: readonly KitFile[]): string {
  return files
    .map(({ path, data }) => `${createHash('sha256').update(data).digest('hex')}  ${path}\n`)
    .join('');
}
