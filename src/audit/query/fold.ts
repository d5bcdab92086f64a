/** Letter case as searches ignore it. Pure. */

/** Letters A to Z in lower case and nothing else: exactly what SQLite's `lower` does. */
export const fold = (text: string): string => text.replace(/[A-Z]+/g, upper => upper.toLowerCase());
