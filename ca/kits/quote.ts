/**
 * Text of strangers (names out of certificates) written into other languages. Each function gives one whole literal of its
 * language, quotes included where it has any. Control characters never get through: no language here needs them.
 */

const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');

/** POSIX shell, single quotes. */
export const sh = (text: string): string => `'${plain(text).replaceAll("'", "'\\''")}'`;

/** PowerShell, single quotes. It takes the typographic ones for quotes too (about_Quoting_Rules), so all are doubled. */
export const ps = (text: string): string =>
  `'${plain(text).replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;

/** XML character data or an attribute in double quotes. */
export const xml = (text: string): string =>
  plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');

/** A CDATA section; the one sequence it cannot hold is split over two. */
export const cdata = (text: string): string =>
  `<![CDATA[${plain(text).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;

/** Markdown prose: what could mean something there stands behind a backslash. */
export const md = (text: string): string => plain(text).replace(/[\\`*_{}[\]<>#|!~]/g, '\\$&');

/** A comment line of any script: printable ASCII, everything else as a question mark. */
export const comment = (text: string): string => plain(text).replace(/[^\x20-\x7e]/g, '?');
