/**
 * Whether somebody is there: the page is visible and was touched in the last minutes. Refreshing by timer stops when
 * nobody is, because every question would keep the session alive and an idle session is meant to end.
 */
const QUIET = 5 * 60_000;
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

let last = performance.now();
for (const sign of SIGNS)
  window.addEventListener(sign, () => (last = performance.now()), { capture: true, passive: true });

export function somebodyThere(): boolean {
  return document.visibilityState === 'visible' && performance.now() - last < QUIET;
}
