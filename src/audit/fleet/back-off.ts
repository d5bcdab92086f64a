/**
 * How long to wait after the n-th failure in a row, ms: doubling from half a second to half a minute, and between half of that and
 * all of it by chance, so that a fleet does not come back all at once. Pure; `random` is in [0, 1).
 */
const FIRST_MS = 500;
const LAST_MS = 30_000;

export function backOff(failures: number, random: number): number {
  const whole = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(16, Math.max(0, failures - 1)));
  return Math.round(whole * (0.5 + random / 2));
}
