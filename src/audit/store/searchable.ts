/** What of a text free-text search sees. Pure; writer, live filter and tests share it. */

/** Longer texts are searchable up to here: nobody writes by hand what stands behind, and the index must stay small. */
const MAX_TEXT = 4096;

/** A path with its percent escapes resolved where they are valid UTF-8, so that a search for `ü` or `a b` finds them. */
export const searchablePath = (path: string): string =>
  unescaped(path.length > MAX_TEXT ? path.slice(0, MAX_TEXT) : path);

/** Percent escapes resolved where they are valid UTF-8. */
export function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, escapes => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}

export const searchableText = (text: string): string =>
  text.length > MAX_TEXT * 4 ? text.slice(0, MAX_TEXT * 4) : text;
