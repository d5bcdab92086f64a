/** The inner width of an element in CSS pixels, kept current by a ResizeObserver. Zero before the first layout. */
import { useLayoutEffect, useState } from 'react';
import type { RefObject } from 'react';

export function useSize(element: RefObject<HTMLElement | null>): { width: number } {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const observer = new ResizeObserver(entries => {
      const box = entries.at(-1)?.contentRect;
      if (box !== undefined) setWidth(Math.floor(box.width));
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return { width };
}
