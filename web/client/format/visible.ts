/**
 * Hostile text made harmless to read. React already keeps it from being markup; this keeps it from lying: control
 * characters become visible pictures, and characters that reorder or hide text (bidi controls, zero-width, tags)
 * become their code in brackets. What is shown is therefore never byte-exact where it was strange; the raw value is
 * what filters, downloads and copies use.
 */

const STRANGE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffc]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

const STRANGE_KEEP_LINES =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffc]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

function picture(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
}

/** One line of text with every strange character visible. */
export function visible(text: string): string {
  return text.replace(STRANGE, picture);
}

/** The same for text of several lines: line feeds and tabs stay what they are, CR LF counts as one line end. */
export function visibleLines(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(STRANGE_KEEP_LINES, picture);
}
