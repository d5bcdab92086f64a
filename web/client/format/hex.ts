/** A hex dump as people know it: offset, sixteen bytes, their ASCII. Pure; the caller bounds how much is dumped. */

/** Lines of a dump of `data` from `start`, at most `lines` of them. */
export function hexLines(data: Uint8Array, start: number, lines: number): string[] {
  const out: string[] = [];
  const end = Math.min(data.length, start + lines * 16);
  for (let at = start; at < end; at += 16) {
    const row = data.subarray(at, Math.min(at + 16, data.length));
    let hex = '';
    let ascii = '';
    for (let i = 0; i < 16; i++) {
      const byte = row[i];
      hex += (byte === undefined ? '  ' : byte.toString(16).padStart(2, '0')) + (i === 7 ? '  ' : ' ');
      ascii += byte === undefined ? '' : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
    }
    out.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${ascii}`);
  }
  return out;
}

/**
 * Whether bytes are better read as text: valid UTF-8 (a cut in the middle of the last character is forgiven) with
 * hardly any control characters.
 */
export function looksLikeText(data: Uint8Array): boolean {
  const head = data.subarray(0, 4096);
  let odd = 0;
  for (const byte of head) if (byte === 0 || (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13)) odd++;
  if (odd > head.length / 100) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}
