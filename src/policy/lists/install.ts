/**
 * Putting an imported list into a policy: the difference to what is there now, and then the list file, written whole or
 * not at all. A list that the policy does not know yet is added to it; rules stay the author's business. The running
 * proxy notices the new file by itself (policy/store).
 */
import { createReadStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { compileDomainSet, DomainSetBuilder, finishWith, openDomainSet } from '../domain-set.ts';
import type { DomainSet } from '../domain-set.ts';
import { addFileList } from '../edit.ts';
import { readListText } from '../list-text.ts';
import { parsePolicy } from '../parse.ts';
import { patternText } from '../pattern.ts';
import { replaceWhole } from '../whole-file.ts';
import { coveredFromAbove } from './tidy.ts';

export interface InstallPlan {
  policyFile: string;
  name: string;
  /** The list file, absolute. */
  file: string;
  /** What the list will hold. */
  next: DomainSet;
  allowPublicSuffix: boolean;
  /** Whether the policy names the list already. */
  known: boolean;
  before: number;
  added: number;
  removed: number;
  /** First changes, as `+ pattern` and `- pattern`. */
  sample: string[];
  duplicates: number;
  covered: number;
}

/** The list cannot be put there. */
export class InstallRefused extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'InstallRefused';
    this.hint = hint;
  }
}

const SAMPLE = 10;

/** What installing would change. `add` keeps what the list holds now. Reads files, writes none. */
export async function planInstall(
  policyFile: string,
  name: string,
  patterns: DomainSetBuilder,
  options: { add: boolean; allowPublicSuffix: boolean; breathe: () => Promise<void> },
): Promise<InstallPlan> {
  const path = resolve(policyFile);
  const text = await readFile(path, 'utf8');
  const defaultFile = `lists/${name}.txt`;
  // A policy may name the list before it is there: then adding it is what mends the policy.
  const mended = addFileList(text, name, defaultFile, options.allowPublicSuffix);
  const parsed = parsePolicy(text);
  if (!parsed.ok && mended === null)
    throw new InstallRefused(
      `${path} has mistakes of its own`,
      `Mend it first: sightglass policy check ${path}`,
    );
  const lists = parsed.ok ? parsed.document.lists : {};
  const source = Object.hasOwn(lists, name) ? lists[name] : undefined;
  if (source !== undefined && source.kind !== 'file')
    throw new InstallRefused(
      source.kind === 'inline'
        ? `the list "${name}" stands inline in the policy`
        : `the list "${name}" has its source elsewhere (${source.kind})`,
      'Give it a file first, or import under another name.',
    );
  if (source?.signed !== undefined)
    throw new InstallRefused(
      `the list "${name}" has to be signed, which an import cannot do`,
      `Write ${source.file} and its signature yourself, or import under another name.`,
    );
  const file = resolve(dirname(path), source?.file ?? defaultFile);
  const allowPublicSuffix = options.allowPublicSuffix || source?.allowPublicSuffix === true;
  const old = await readOld(file, options.breathe);
  const asked = patterns.count;
  if (options.add) for (const p of old.patterns()) patterns.add(p);
  const all = openDomainSet(await finishWith(patterns, options.breathe));
  const kept = new DomainSetBuilder();
  for (const p of all.patterns()) if (!coveredFromAbove(all, p.name)) kept.add(p);
  const next = openDomainSet(await finishWith(kept, options.breathe));
  const plan: InstallPlan = {
    policyFile: path,
    name,
    file,
    next,
    allowPublicSuffix,
    known: source !== undefined,
    before: old.size,
    added: 0,
    removed: 0,
    sample: [],
    duplicates: options.add ? 0 : asked - all.size,
    covered: all.size - next.size,
  };
  for (const p of next.patterns())
    if (old.kindOf(p.name) !== p.match && ++plan.added <= SAMPLE) plan.sample.push(`+ ${patternText(p)}`);
  for (const p of old.patterns())
    if (next.kindOf(p.name) !== p.match && ++plan.removed <= SAMPLE) plan.sample.push(`- ${patternText(p)}`);
  return plan;
}

/** Write the list file, and the policy when it does not name the list. Resolves to whether the policy was changed. */
export async function install(plan: InstallPlan, headLine: string): Promise<boolean> {
  let edited: string | null = null;
  if (!plan.known) {
    const path = relative(dirname(plan.policyFile), plan.file);
    edited = addFileList(await readFile(plan.policyFile, 'utf8'), plan.name, path, plan.allowPublicSuffix);
    if (edited === null)
      throw new InstallRefused(
        `the layout of ${plan.policyFile} does not let a list be added`,
        `Add it yourself below "lists:" and import again:  ${plan.name}: { file: ${path} }`,
      );
  }
  await mkdir(dirname(plan.file), { recursive: true });
  const text = function* (): Generator<string> {
    yield `# ${headLine.replace(/[\r\n]+/g, ' ')}\n`;
    for (const p of plan.next.patterns()) yield `${patternText(p)}\n`;
  };
  await replaceWhole(plan.file, text(), 0o644);
  // The list first: a policy that names a file which is not there yet would be refused.
  if (edited !== null) await replaceWhole(plan.policyFile, [edited], 0o644);
  return edited !== null;
}

/** The list as it is now; what cannot be read counts as empty, it is about to be replaced. */
async function readOld(file: string, breathe: () => Promise<void>): Promise<DomainSet> {
  try {
    const chunks = createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
    return openDomainSet((await readListText(chunks, { allowPublicSuffix: true, breathe })).buffer);
  } catch {
    return openDomainSet(compileDomainSet([]));
  }
}
