/**
 * Steps for people. The README files of a kit, the console's Deploy page and docs/deployment.md all show these same values,
 * so what one of them says the others say too.
 */
import { md } from './quote.ts';

export interface Step {
  text: string;
  /** What to type, or a path to click through; may have several lines. */
  command?: string;
}

export interface Guide {
  /** Also the folder of the kit. */
  id: string;
  title: string;
  /** Who needs this one. */
  about: string;
  install: readonly Step[];
  verify: readonly Step[];
  remove: readonly Step[];
  /** What is worth knowing before. */
  notes: readonly string[];
  /** What was tried for real and what could not be. */
  proven: string;
}

/** A target of the kit: its guide and, in `ca/kits/<target>.ts`, the files beside it. */
export const GUIDE_PARTS = [
  ['install', 'Install'],
  ['verify', 'Verify'],
  ['remove', 'Remove'],
] as const;

/** The guide as Markdown; `level` is that of its title. */
export function guideText(guide: Guide, level = 1): string {
  const head = '#'.repeat(level);
  const parts = GUIDE_PARTS.map(([part, title]) => {
    const steps = guide[part].map((step, i) => stepText(step, i + 1));
    return `${head}# ${title}\n\n${steps.join('\n')}`;
  });
  const notes =
    guide.notes.length === 0
      ? []
      : [`${head}# Notes\n\n${guide.notes.map(n => `* ${prose(n)}`).join('\n')}\n`];
  return [
    `${head} ${md(guide.title)}\n`,
    `${prose(guide.about)}\n`,
    ...parts,
    ...notes,
    `${head}# How far this is proven\n\n${prose(guide.proven)}\n`,
  ].join('\n');
}

function stepText({ text, command }: Step, n: number): string {
  const first = `${n}. ${prose(text)}\n`;
  if (command === undefined) return first;
  const indent = ' '.repeat(String(n).length + 2);
  return `${first}\n${['```', ...command.split('\n'), '```'].map(line => `${indent}${line}`.trimEnd()).join('\n')}\n`;
}

/** Our own prose keeps its `code`; everything else that Markdown would read is escaped. */
function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map(part => (part.startsWith('`') ? part : md(part)))
    .join('');
}
