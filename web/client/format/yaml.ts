/**
 * Just enough of YAML's look to tint a policy line by line: comments, keys, quoted text. No parser and no judge: a line it
 * misreads is only tinted wrongly. Pure.
 */

export interface Token {
  kind: 'comment' | 'key' | 'string' | 'mark' | 'text';
  text: string;
}

/** A line in pieces that, joined, are the line again. */
export function tokensOf(line: string): Token[] {
  const out: Token[] = [];
  const push = (kind: Token['kind'], text: string | undefined): void => {
    if (text !== undefined && text !== '') out.push({ kind, text });
  };
  const head = /^(\s*)((?:- +)*)([A-Za-z0-9_.*"'-]+\s*:(?=\s|$))?/.exec(line);
  push('text', head?.[1]);
  push('mark', head?.[2]);
  push('key', head?.[3]);
  let rest = line.slice(head?.[0].length ?? 0);
  while (rest !== '') {
    const comment = out.length === 0 || /\s$/.test(out.at(-1)?.text ?? '') ? /^#.*/.exec(rest) : null;
    const piece = comment ?? /^"(?:[^"\\]|\\.)*"|^'[^']*'|^\s+|^[^\s"'#]+|^./s.exec(rest);
    const text = piece?.[0] ?? rest;
    push(comment !== null ? 'comment' : /^["']./.test(text) ? 'string' : 'text', text);
    rest = rest.slice(text.length);
  }
  return out;
}

/** Index of the line that names a rule or a key, or null. */
export function lineOfRule(lines: readonly string[], rule: string): number | null {
  const bare = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/, '$2');
  const key = rule.startsWith('doubt:') ? rule.slice(6) : rule;
  const at = lines.findIndex(line => {
    const name = /^\s*(?:- +)?(?:name|rule)\s*:\s*(.+?)\s*(?:\s#.*)?$/.exec(line)?.[1];
    return name !== undefined && bare(name) === rule;
  });
  if (at >= 0) return at;
  if (rule !== key || rule === 'default') {
    const line = lines.findIndex(text => text.trimStart().startsWith(`${key}:`));
    return line < 0 ? null : line;
  }
  return null;
}
