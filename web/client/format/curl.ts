/**
 * An exchange as a curl command for a POSIX shell. Every part is single-quoted, so nothing captured can start a
 * command; masked secrets stay masked because the record holds nothing else. Hop-by-hop fields and what curl sets
 * itself are left out. The body is not part of it: it may be cut or binary, and is downloaded instead.
 */

export interface CurlParts {
  method: string;
  url: string;
  headers: readonly { name: string; value: string }[];
  hasBody: boolean;
}

const LEFT_OUT = new Set([
  'host',
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'content-length',
  'proxy-authorization',
]);

/** Quote for sh, bash, zsh: inside single quotes only the single quote itself is special. NUL cannot be an argument. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", `'\\''`)}'`;
}

/** The command, one option a line. */
export function curlCommand(parts: CurlParts): string {
  const lines = [`curl ${shellQuote(parts.url)}`];
  if (parts.method === 'HEAD') lines.push('--head');
  else if (parts.method !== 'GET' || parts.hasBody) lines.push(`--request ${shellQuote(parts.method)}`);
  for (const { name, value } of parts.headers) {
    if (LEFT_OUT.has(name.toLowerCase())) continue;
    // An empty value needs the semicolon form, or curl removes the field.
    lines.push(`--header ${shellQuote(value === '' ? `${name};` : `${name}: ${value}`)}`);
  }
  if (parts.hasBody) lines.push('--data-binary @request-body');
  return lines.join(' \\\n  ');
}
