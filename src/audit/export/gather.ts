/**
 * Rows of a page together with what a format wants beside them. Questions go to the store a few at a time, so that an export
 * does not fill the line in front of it; a record that went with its day meanwhile is left out.
 */
import type { Kind } from '../query/ast.ts';
import type {
  AuditStore,
  ExchangeRow,
  FedBodies,
  FedRow,
  FeedOptions,
  FlowRow,
  RowOf,
} from '../store/store.ts';

/** Questions under way at once. */
const AT_ONCE = 16;

export type Asked = Pick<AuditStore, 'exchange' | 'flow' | 'body'>;

/** Rows of one kind as records of the feed, in the same order. */
export async function gather<K extends Kind>(
  store: Asked,
  kind: K,
  rows: readonly RowOf[K][],
  detail: FeedOptions['detail'],
): Promise<FedRow[]> {
  const found: (FedRow | null)[] = [];
  for (let at = 0; at < rows.length; at += AT_ONCE)
    found.push(
      ...(await Promise.all(rows.slice(at, at + AT_ONCE).map(row => one(store, kind, row, detail)))),
    );
  return found.filter(fed => fed !== null);
}

async function one<K extends Kind>(
  store: Asked,
  kind: K,
  row: RowOf[K],
  want: FeedOptions['detail'],
): Promise<FedRow | null> {
  switch (kind) {
    case 'exchanges': {
      const exchange = row as ExchangeRow;
      if (want === 'none') return { kind: 'exchange', row: exchange, detail: null, bodies: null };
      const [detail, bodies] = await Promise.all([
        store.exchange(exchange.exchange),
        want === 'bodies' ? bodiesOf(store, exchange) : null,
      ]);
      return detail === null ? null : { kind: 'exchange', row: exchange, detail, bodies };
    }
    case 'flows': {
      const flow = row as FlowRow;
      if (want === 'none') return { kind: 'flow', row: flow, record: null };
      const detail = await store.flow(flow.flow, 1);
      return { kind: 'flow', row: flow, record: detail?.record.kind === 'flow' ? detail.record : null };
    }
    default:
      return { kind: 'event', row } as FedRow;
  }
}

/** Captured bodies of an exchange; most have none, and then nothing is asked. */
export async function bodiesOf(store: Pick<AuditStore, 'body'>, row: ExchangeRow): Promise<FedBodies> {
  const [req, res] = await Promise.all([
    row.reqBytes > 0 ? store.body(row.exchange, 'req') : null,
    row.resBytes > 0 ? store.body(row.exchange, 'res') : null,
  ]);
  return { req, res };
}
