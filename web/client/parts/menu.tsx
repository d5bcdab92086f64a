/** A button that opens a small panel. Closes on Esc, on a click elsewhere, and when the focus leaves it. */
import { useEffect, useId, useRef, useState } from 'react';
import type { ReactNode } from 'react';

export interface MenuProps {
  label: ReactNode;
  title: string;
  className?: string;
  align?: 'start' | 'end';
  children: (close: () => void) => ReactNode;
}

export function Menu({ label, title, className = 'button', align = 'end', children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) !== true) setOpen(false);
    };
    window.addEventListener('pointerdown', outside);
    return () => window.removeEventListener('pointerdown', outside);
  }, [open]);
  useEffect(() => {
    if (!open) return;
    const opener = button.current;
    // The panel is gone by now: a focus that was inside it has fallen to the body.
    return () => {
      if (document.activeElement === document.body) opener?.focus();
    };
  }, [open]);
  const close = (): void => setOpen(false);
  return (
    <div
      className="menu"
      ref={box}
      onKeyDown={event => {
        if (event.key !== 'Escape' || !open) return;
        event.preventDefault();
        event.stopPropagation();
        close();
      }}
      onBlur={event => {
        if (event.relatedTarget !== null && !event.currentTarget.contains(event.relatedTarget))
          setOpen(false);
      }}
    >
      <button
        type="button"
        ref={button}
        className={className}
        title={title}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        {label}
      </button>
      {open ? (
        <div id={id} className={`menu-panel menu-${align}`}>
          {children(close)}
        </div>
      ) : null}
    </div>
  );
}
