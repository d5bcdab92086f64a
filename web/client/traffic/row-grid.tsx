/**
 * The traffic list: a virtual ARIA grid over the rows of a feed. It renders what is in sight and a few rows around,
 * asks for older rows when the reader comes near the end, and holds new ones back while the reader is not at the top,
 * so nothing moves under the eyes.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, MouseEvent, ReactNode } from 'react';
import { useKeys } from '../hooks/use-keys.ts';
import { useNarrow } from '../hooks/use-narrow.ts';
import type { Rows, TrafficRow } from '../hooks/use-rows.ts';
import { rowId } from '../hooks/use-rows.ts';
import { copyText } from '../parts/copy-button.tsx';
import { useFilter } from '../state/filter.ts';
import { pathOf } from '../state/places.ts';
import type { Show } from '../state/view.ts';
import { CellActions } from './cell-actions.tsx';
import { columnsOf, fromSeveral } from './columns.tsx';
import { NewRows } from './new-rows.tsx';
import { Row, cellId, rowDomId } from './row.tsx';

export interface RowGridProps {
  show: Show;
  rows: Rows;
  /** Id of the row whose panel is open, or null. */
  openedId: string | null;
  /** The reader paused the tail. */
  paused: boolean;
  open: (id: string) => void;
  /** What stands below the last row. */
  foot: ReactNode;
}

/** Heights in rem; styles/traffic.css draws rows of exactly these. */
const ROW_REM = 2.125;
const CARD_REM = 4.75;
const NEAR_END = 30;

export function RowGrid({ show, rows, openedId, paused, open, foot }: RowGridProps) {
  const { state, feed } = rows;
  const list = state.rows;
  const several = useMemo(() => fromSeveral(list), [list]);
  const columns = columnsOf(show, several);
  const scroller = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const filter = useFilter();
  const [away, setAway] = useState(false);
  const [active, setActive] = useState<{ id: string; cell: number } | null>(null);
  const height = (narrow ? CARD_REM : ROW_REM) * rootFontSize();

  // eslint-disable-next-line react-hooks/incompatible-library -- the console is not built with the React compiler
  const virtual = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: index => {
      const row = list[index];
      return row === undefined ? index : rowId(row);
    },
  });
  useEffect(() => {
    virtual.measure();
  }, [virtual, height]);

  useEffect(() => {
    feed.hold(paused || away);
  }, [feed, paused, away]);

  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (list.length > 0 && lastSeen >= list.length - NEAR_END && state.failure === null) void feed.more();
  }, [feed, lastSeen, list.length, state.failure]);

  const activeIndex = active === null ? -1 : list.findIndex(row => rowId(row) === active.id);
  const moveTo = (index: number): void => {
    const to = Math.max(0, Math.min(list.length - 1, index));
    const row = list[to];
    if (row === undefined) return;
    setActive(before => ({ id: rowId(row), cell: before?.cell ?? -1 }));
    // The sticky head covers the first row's height of the scroller.
    virtual.scrollToIndex(to, { align: 'auto' });
    if (openedId !== null && openedId !== rowId(row)) open(rowId(row));
  };
  const step = (by: number): void => {
    const from = activeIndex >= 0 ? activeIndex : list.findIndex(row => rowId(row) === openedId);
    moveTo(from < 0 ? 0 : from + by);
  };
  const openActive = (): void => {
    if (active !== null && activeIndex >= 0) open(active.id);
  };
  const moveCell = (by: number): void => {
    if (active === null) return;
    setActive({ ...active, cell: Math.max(-1, Math.min(columns.length - 1, active.cell + by)) });
  };
  const activeValue = (): { field: string; value: string } | null => {
    const row = list[activeIndex];
    return (row === undefined ? null : columns[active?.cell ?? -1]?.value?.(row)) ?? null;
  };

  useKeys({ j: () => step(1), k: () => step(-1) });

  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 2);
    const value = activeValue();
    const actions: Record<string, () => void> = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      ArrowRight: () => moveCell(1),
      ArrowLeft: () => moveCell(-1),
      PageDown: () => step(page),
      PageUp: () => step(-page),
      Home: () => moveTo(0),
      End: () => moveTo(list.length - 1),
      Enter: openActive,
      ...(value === null
        ? {}
        : {
            '+': () => filter?.(value.field, value.value, 'in'),
            '-': () => filter?.(value.field, value.value, 'out'),
            c: () => void copyText(value.value),
          }),
    };
    const act = actions[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  useKeys({ Enter: event => event.target === document.body && openActive() });

  const onOpen = useCallback(
    (id: string, event: MouseEvent) => {
      // A drag that selects text is no click.
      if (document.getSelection()?.isCollapsed === false) return;
      setActive({ id, cell: -1 });
      if (event.ctrlKey || event.metaKey) window.open(pathOf({ kind: show, id }), '_blank', 'noopener');
      else open(id);
    },
    [open, show],
  );

  const toTop = (): void => {
    scroller.current?.scrollTo({ top: 0 });
    setAway(false);
    feed.release();
  };

  return (
    <div className={`grid-frame grid-${show}`}>
      <NewRows waiting={state.waiting} show={show} bring={toTop} />
      <div
        className="grid"
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label={show === 'exchanges' ? 'Requests, newest first' : 'Connections, newest first'}
        aria-rowcount={state.ended ? list.length + 1 : -1}
        aria-colcount={columns.length}
        aria-busy={state.loading || state.loadingMore}
        aria-activedescendant={activeDescendant(active, activeIndex, items)}
        onKeyDown={press}
        onScroll={event => setAway(event.currentTarget.scrollTop > height / 2)}
      >
        <div role="rowgroup" className="grid-head">
          <div role="row" aria-rowindex={1} className="row">
            {columns.map((column, at) => (
              <div
                key={column.id}
                role="columnheader"
                aria-colindex={at + 1}
                className={`cell cell-${column.id}${column.number === true ? ' number' : ''}`}
              >
                {column.label}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="grid-body" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map(item => {
            const row = list[item.index];
            if (row === undefined) return null;
            const id = rowId(row);
            return (
              <Row
                key={id}
                row={row}
                columns={columns}
                index={item.index}
                top={item.start}
                active={active?.id === id}
                activeCell={active?.id === id ? active.cell : -1}
                opened={openedId === id}
                onOpen={onOpen}
              />
            );
          })}
        </div>
      </div>
      {foot}
      <CellActions scroller={scroller} />
    </div>
  );
}

/** The element the active place points at, if it is rendered. */
function activeDescendant(
  active: { id: string; cell: number } | null,
  index: number,
  items: readonly { index: number }[],
): string | undefined {
  if (active === null || !items.some(item => item.index === index)) return undefined;
  return active.cell < 0 ? rowDomId(active.id) : cellId(active.id, active.cell);
}

function rootFontSize(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

export type { TrafficRow };
