/**
 * The list files that a policy names: one pattern per line, `#` starts a comment, blank lines are free.
 *
 * Strict on purpose: every bad line is a problem and the policy is refused, because a line that silently does nothing in
 * a deny list is a hole. Tolerant reading of other people's lists is `lists import`.
 * Works in pieces of a few milliseconds and awaits `breathe` between them; pure but for the chunks handed in.
 *
 * Bounds: lines up to 4,096 characters, 20 problems told (the rest counted in the last one), sizes as in domain-set.
 */
import { StringDecoder } from 'node:string_decoder';
import { DomainSetBuilder, finishWith } from './domain-set.ts';
import { parsePattern } from './pattern.ts';
import type { Problem } from './yaml-reader.ts';

export interface ListText {
  /** The compiled set; usable only when there are no problems. */
  buffer: Buffer;
  problems: Problem[];
}

const MAX_LINE = 4096;
const MAX_PROBLEMS = 20;

/** Read and compile a list file from its chunks. Rejects only when `chunks` does or a bound of the set is passed. */
export async function readListText(
  chunks: AsyncIterable<Buffer>,
  options: { allowPublicSuffix: boolean; breathe: () => Promise<void> },
): Promise<ListText> {
  const decoder = new StringDecoder('utf8');
  const builder = new DomainSetBuilder();
  const problems: Problem[] = [];
  let bad = 0;
  let line = 0;
  let rest = '';

  const take = (raw: string): void => {
    line++;
    const hash = raw.indexOf('#');
    const text = (hash < 0 ? raw : raw.slice(0, hash)).trim();
    if (text === '') return;
    const parsed = parsePattern(line === 1 && text.startsWith('\ufeff') ? text.slice(1) : text, options);
    if (parsed.ok) return builder.add(parsed.ok);
    bad++;
    if (problems.length < MAX_PROBLEMS)
      problems.push({
        line,
        column: raw.indexOf(text) + 1,
        message: `"${text.slice(0, 80)}": ${parsed.error}`,
        hint: parsed.error.includes('public suffix')
          ? 'If that is meant, set "allow-public-suffix: true" on the list.'
          : 'One pattern per line: example.com, *.example.com or .example.com. Other formats: sightglass lists import.',
      });
  };

  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) take(raw);
    // What has no line end is no list; stop collecting it.
    if (rest.length > MAX_LINE) {
      take(rest.slice(0, 80));
      rest = '';
      break;
    }
    await options.breathe();
  }
  rest += decoder.end();
  if (rest !== '') take(rest);
  const last = problems[problems.length - 1];
  if (bad > problems.length && last !== undefined)
    last.message += ` (and ${bad - problems.length} further bad lines)`;
  return { buffer: await finishWith(builder, options.breathe), problems };
}
