/**
 * Any JavaScript string as text that PostgreSQL stores, and back, exactly. PostgreSQL refuses U+0000 and everything that is no
 * valid UTF-8, and records hold whatever a stranger sent. Pure.
 *
 * What cannot be stored becomes a character of the last private-use plane: a lone surrogate U+D800…U+DFFF becomes
 * U+10F000…U+10F7FF, NUL becomes U+10F800; the same characters standing in the text by themselves are preceded by
 * U+10F801. One character becomes one character, so that looking for a piece of a text is looking for the piece's stored
 * form in the stored text: search values go through the same function as rows.
 */
const BASE = 0x10f000;
const NUL = 0x10f800;
const ESCAPE = 0x10f801;
const FIRST_SURROGATE = 0xd800;

const LONE = '[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]';
/** U+10F000…U+10F801 in UTF-16: DBFC DC00 … DBFE DC01. */
const OURS = '[\\udbfc\\udbfd][\\udc00-\\udfff]|\\udbfe[\\udc00\\udc01]';
const UNSTORABLE = new RegExp(`\\u0000|${OURS}|${LONE}`, 'g');
const STORED = new RegExp(OURS, 'g');

/** Nearly every text: nothing that could need a change, found without looking at pairs. */
const SUSPECT = /[\u0000\ud800-\udfff]/;

/** The stored form of a text. */
export function storable(text: string): string {
  if (!SUSPECT.test(text)) return text;
  return text.replace(UNSTORABLE, found => {
    if (found === '\u0000') return String.fromCodePoint(NUL);
    if (found.length === 2) return String.fromCodePoint(ESCAPE) + found;
    return String.fromCodePoint(BASE + found.charCodeAt(0) - FIRST_SURROGATE);
  });
}

/** The text that a stored form stands for. */
export function restored(stored: string): string {
  if (!SUSPECT.test(stored)) return stored;
  let escaped = false;
  return stored.replace(STORED, found => {
    const code = found.codePointAt(0) ?? 0;
    if (escaped) {
      escaped = false;
      return found;
    }
    if (code === ESCAPE) {
      escaped = true;
      return '';
    }
    return code === NUL ? '\u0000' : String.fromCharCode(code - BASE + FIRST_SURROGATE);
  });
}

/** A row with the texts that its stored forms stand for. */
export function restoredRow<R extends object>(row: R): R {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row))
    out[name] = typeof value === 'string' ? restored(value) : value;
  return out as R;
}
