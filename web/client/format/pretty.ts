/**
 * JSON laid out for reading. Works on the text, not on parsed values, so numbers, key order and doubled keys stay as
 * they were sent; parsing only decides whether it is JSON at all. Null when it is not, or too long to lay out.
 */

const LONGEST = 512 * 1024;

export function prettyJson(text: string): string | null {
  if (text.length > LONGEST || !/^\s*[[{]/.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = '';
  let depth = 0;
  let previous = '';
  // Tokens of valid JSON: strings, punctuation, and everything else (numbers, words); white space falls away.
  for (const token of text.match(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g) ?? []) {
    if (token === '{' || token === '[') {
      depth++;
      out += `${token}\n${'  '.repeat(depth)}`;
    } else if (token === '}' || token === ']') {
      depth--;
      const empty = previous === '{' || previous === '[';
      out = empty ? out.trimEnd() + token : `${out}\n${'  '.repeat(depth)}${token}`;
    } else if (token === ',') out += `,\n${'  '.repeat(depth)}`;
    else if (token === ':') out += ': ';
    else out += token;
    if (depth > 200) return null;
    previous = token;
  }
  return out;
}
