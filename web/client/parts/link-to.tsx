/** A link inside the console: a real anchor, so that new tab, copy address and screen readers work as everywhere. */
import type { MouseEvent, ReactNode } from 'react';
import { navigate } from '../router.ts';

export interface LinkProps {
  to: string;
  className?: string;
  title?: string;
  current?: boolean;
  /** What a plain click does instead of going there. */
  act?: () => void;
  children: ReactNode;
}

export function LinkTo({ to, className, title, current, act, children }: LinkProps) {
  return (
    <a
      href={to}
      className={className}
      title={title}
      aria-current={current === true ? 'page' : undefined}
      onClick={event => follow(event, to, act)}
    >
      {children}
    </a>
  );
}

/** Plain clicks navigate here, or act; anything with a modifier is the browser's. */
export function follow(event: MouseEvent, to: string, act?: () => void): void {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (act === undefined) navigate(to);
  else act();
}
