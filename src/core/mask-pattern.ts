/**
 * Patterns that a policy author may add to a masking profile. A subset of regular expressions that cannot run away:
 * characters, classes and bounded repeats, nothing nested, no alternatives, no unbounded repeat. The number of ways in
 * which one pattern can match at one place is bounded by `MAX_WAYS`, so the work per octet of a body is, too.
 *
 *   pattern = ["\b"] (atom ["?" | "{n}" | "{n,m}"])+ ["\b"]
 *   atom    = a letter, digit or one of -_/:#@=,;!&%~<>"' and space | "\" any other sign | \d \w | "[" class "]"
 *
 * A class is never negated: a pattern covers printable ASCII only and so never reaches into a mark that stands there.
 * Two patterns do what one with an alternative would. Why not a library: what is left after these cuts is compiled by
 * RegExp itself, in linear time, and an author sees at once what is allowed.
 */

export type PatternOutcome = { ok: true; source: string } | { ok: false; problem: string; hint: string };

const MAX_LENGTH = 200;
/** Octets that one match may cover. */
const MAX_SPAN = 128;
/** Product of (max - min + 1) over all repeats. */
const MAX_WAYS = 64;
/** A shorter match would cut up ordinary text. */
const MIN_SPAN = 4;

const CLASS = /^\[(?!\^)(?:\\[\\\]\-^dw]|[A-Za-z0-9 _.,:;/#@+*?(){}|$!&%~<>"'=-])+\]/;
const ATOM = /^(?:\\[dw]|\\[^A-Za-z0-9]|[A-Za-z0-9\-_/:#@=,;!&%~<>"' ])/;
const REPEAT = /^(?:\?|\{(\d{1,3})(?:,(\d{1,3}))?\})/;

/** Check one pattern. The source it gives is for `new RegExp`, without flags. */
export function readPattern(text: string): PatternOutcome {
  if (text.length > MAX_LENGTH)
    return wrong(`longer than ${MAX_LENGTH} characters`, 'Write several shorter patterns.');
  if (/[^\x20-\x7e]/.test(text))
    return wrong('holds something else than printable ASCII', 'Name the field in "fields" instead.');
  let rest = text;
  let least = 0;
  let most = 0;
  let ways = 1;
  if (rest.startsWith('\\b')) rest = rest.slice(2);
  while (rest !== '' && rest !== '\\b') {
    const atom = (rest.startsWith('[') ? CLASS : ATOM).exec(rest)?.[0];
    if (atom === undefined)
      return wrong(
        `"${rest.slice(0, 10)}" is not allowed here`,
        'Characters, classes such as [A-Z0-9], \\d, \\w, "?" and {n,m} are; groups, "|", "*", "+", "." and [^…] are not.',
      );
    rest = rest.slice(atom.length);
    const repeat = REPEAT.exec(rest);
    let from = 1;
    let to = 1;
    if (repeat !== null) {
      from = repeat[1] === undefined ? 0 : Number(repeat[1]);
      to = repeat[1] === undefined ? 1 : Number(repeat[2] ?? repeat[1]);
      rest = rest.slice(repeat[0].length);
    }
    if (to < from) return wrong(`{${from},${to}} runs backwards`, 'The smaller number comes first.');
    least += from;
    most += to;
    ways *= to - from + 1;
  }
  if (least < MIN_SPAN)
    return wrong(`may match fewer than ${MIN_SPAN} characters`, 'Say more of what stands around it.');
  if (most > MAX_SPAN) return wrong(`may match more than ${MAX_SPAN} characters`, 'Lower the repeats.');
  if (ways > MAX_WAYS)
    return wrong('could match in too many ways', 'Use fixed repeats such as {8} where you can.');
  try {
    new RegExp(text);
  } catch {
    return wrong('is no valid pattern', 'Look at its classes: ranges run upwards, as in [a-z].');
  }
  return { ok: true, source: text };
}

const wrong = (problem: string, hint: string): PatternOutcome => ({ ok: false, problem, hint });
