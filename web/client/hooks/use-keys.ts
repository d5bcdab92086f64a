/**
 * Single-key commands for the whole page. They never fire while somebody types in a field, with Ctrl, Alt or Meta
 * held, or while a modal dialog is open.
 */
import { useEffect, useRef } from 'react';

export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

export function useKeys(keys: Keys, active = true): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    if (!active) return;
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target instanceof Element && typing(event.target)) return;
      if (document.querySelector('dialog[open]') !== null) return;
      latest.current[event.key]?.(event);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [active]);
}

function typing(target: Element): boolean {
  return target.closest('input, textarea, select, [contenteditable]') !== null;
}
