/**
 * Addresses of the pages, written and read in one place. An exchange's id holds a dot (`1a-3.2`), which servers take for
 * a file's extension, so it stands in the path as `/exchanges/1a-3/2`.
 */
import { listAddress, writeView } from './view.ts';
import type { Show, View } from './view.ts';

/** What is open beside the list. */
export interface Opened {
  kind: Show;
  id: string;
}

/** Path of an exchange or a flow. */
export function pathOf({ kind, id }: Opened): string {
  return `/${kind}/${id.split('.').map(encodeURIComponent).join('/')}`;
}

/** Address of a view, with what is open in it; `full` uses the whole page for that. */
export function addressOf(view: View, opened: Opened | null, full: boolean): string {
  if (opened === null) return listAddress(view);
  const search = [writeView(view), full ? 'full=1' : ''].filter(part => part !== '').join('&');
  return `${pathOf(opened)}${search === '' ? '' : `?${search}`}`;
}

/** What a path opens: an exchange, a flow, or nothing (null). */
export function openedBy(path: string): Opened | null {
  const m = /^\/(exchanges|flows)\/([0-9a-z-]{1,20})(?:\/(\d{1,9}))?\/?$/.exec(path);
  const [, kind, flow, n] = m ?? [];
  if (flow === undefined) return null;
  if (kind === 'flows') return n === undefined ? { kind: 'flows', id: flow } : null;
  return n === undefined ? null : { kind: 'exchanges', id: `${flow}.${n}` };
}
