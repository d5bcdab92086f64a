/**
 * The small tool bar that floats over a cell: show only this value, hide it, copy it. There is one for the whole list,
 * because three buttons in every cell would be a thousand elements. It follows the pointer and, with the keyboard,
 * the active cell; the same three actions have the keys `+`, `-` and `c` there.
 */
import { useEffect, useState } from 'react';
import type { RefObject } from 'react';
import { createPortal } from 'react-dom';
import { visible } from '../format/visible.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { useFilter } from '../state/filter.ts';

interface Spot {
  field: string;
  value: string;
  right: number;
  top: number;
  height: number;
}

const LEAVE_DELAY = 120;

export function CellActions({ scroller }: { scroller: RefObject<HTMLDivElement | null> }) {
  const filter = useFilter();
  const [spot, setSpot] = useState<Spot | null>(null);

  useEffect(() => {
    const grid = scroller.current;
    if (grid === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = (event: PointerEvent): void => {
      if (event.pointerType === 'touch' || !(event.target instanceof Element)) return;
      if (event.target.closest('.cell-actions') !== null) {
        clearTimeout(timer);
        return;
      }
      const cell = event.target.closest<HTMLElement>('[data-field]');
      if (cell === null || !grid.contains(cell)) {
        clearTimeout(timer);
        timer = setTimeout(() => setSpot(null), LEAVE_DELAY);
        return;
      }
      clearTimeout(timer);
      const box = cell.getBoundingClientRect();
      const { field = '', value = '' } = cell.dataset;
      setSpot({ field, value, right: box.right, top: box.top, height: box.height });
    };
    const hide = (): void => setSpot(null);
    const press = (event: PointerEvent): void => {
      if (!(event.target instanceof Element && event.target.closest('.cell-actions') !== null)) hide();
    };
    window.addEventListener('pointerdown', press);
    window.addEventListener('pointerover', over);
    grid.addEventListener('scroll', hide, { passive: true });
    return () => {
      clearTimeout(timer);
      window.removeEventListener('pointerdown', press);
      window.removeEventListener('pointerover', over);
      grid.removeEventListener('scroll', hide);
    };
  }, [scroller]);

  if (spot === null || filter === null) return null;
  const shown = visible(spot.value.slice(0, 60));
  const act = (how: 'in' | 'out'): void => {
    setSpot(null);
    filter(spot.field, spot.value, how);
  };
  return createPortal(
    <div
      className="cell-actions"
      role="group"
      aria-label={`Filter by ${spot.field}`}
      style={{ left: `${spot.right}px`, top: `${spot.top}px`, height: `${spot.height}px` }}
    >
      <button
        type="button"
        className="icon-button"
        title={`Show only ${spot.field} ${shown}`}
        onClick={() => act('in')}
      >
        <Icon name="plus" />
        <span className="visually-hidden">{`Show only ${spot.field} ${shown}`}</span>
      </button>
      <button
        type="button"
        className="icon-button"
        title={`Hide ${spot.field} ${shown}`}
        onClick={() => act('out')}
      >
        <Icon name="minus" />
        <span className="visually-hidden">{`Hide ${spot.field} ${shown}`}</span>
      </button>
      <CopyButton text={spot.value} label={`Copy ${shown}`} />
    </div>,
    document.getElementById('main') ?? document.body,
  );
}
