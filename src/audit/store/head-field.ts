/** First value of a field in a head block of `name: value\r\n` lines, or null. `name` in lower case. Pure. */
export function fieldOf(head: string, name: string): string | null {
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}
