/**
 * GREASE (RFC 8701): reserved values that clients sprinkle into lists so that servers keep ignoring what they do
 * not know. They differ from connection to connection, so no fact and no fingerprint may contain them.
 */

/** True for the sixteen reserved 16-bit values 0x0A0A, 0x1A1A … 0xFAFA (RFC 8701 §2). */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** True for a reserved ALPN identifier: the same values as two bytes (RFC 8701 §2). `name` is latin1. */
export function isGreaseAlpn(name: string): boolean {
  return name.length === 2 && isGrease((name.charCodeAt(0) << 8) | name.charCodeAt(1));
}

export function withoutGrease(values: readonly number[]): number[] {
  return values.filter(v => !isGrease(v));
}
