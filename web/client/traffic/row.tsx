/** One row of the traffic list. Memoised: while rows stream in, only new ones are rendered. */
import { memo } from 'react';
import type { MouseEvent } from 'react';
import type { TrafficRow } from '../hooks/use-rows.ts';
import { rowId } from '../hooks/use-rows.ts';
import type { Column } from './columns.tsx';

export interface RowProps {
  row: TrafficRow;
  columns: readonly Column<TrafficRow>[];
  /** Place in the list, from 0. */
  index: number;
  top: number;
  /** -1 when another row is active, else the active cell's place. */
  activeCell: number;
  active: boolean;
  opened: boolean;
  onOpen: (id: string, event: MouseEvent) => void;
}

export const cellId = (id: string, cell: number): string => `cell-${id}-${cell}`;
export const rowDomId = (id: string): string => `row-${id}`;

export const Row = memo(function Row(props: RowProps) {
  const { row, columns, index, top, active, activeCell, opened, onOpen } = props;
  const id = rowId(row);
  return (
    <div
      role="row"
      id={rowDomId(id)}
      aria-rowindex={index + 2}
      aria-selected={opened}
      className={`row${active ? ' row-active' : ''}${opened ? ' row-opened' : ''}${row.fault === null ? '' : ' row-fault'}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={event => onOpen(id, event)}
    >
      {columns.map((column, at) => {
        const value = column.value?.(row) ?? null;
        return (
          <div
            key={column.id}
            role="gridcell"
            id={cellId(id, at)}
            aria-colindex={at + 1}
            className={`cell cell-${column.id}${column.number === true ? ' number' : ''}${active && activeCell === at ? ' cell-active' : ''}`}
            {...(value === null ? {} : { 'data-field': value.field, 'data-value': value.value })}
          >
            {column.cell(row)}
          </div>
        );
      })}
    </div>
  );
});
