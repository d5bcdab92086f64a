/**
 * What importing and exporting lists share on the command line: text of foreign lists made fit for a terminal, and formats in
 * columns.
 */

/** Bytes of foreign lists go to a terminal here. */
export function printable(text: string): string {
  return text
    .slice(0, 120)
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** Formats for a help text. */
export function table(of: readonly { format: string; about: string }[]): string {
  return of.map(f => `  ${f.format.padEnd(12)}${f.about}`).join('\n');
}
