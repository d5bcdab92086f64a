/**
 * The native access log of Squid, `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`, so that readers of Squid logs read
 * ours. Requests stand as Squid writes them; a flow is its CONNECT line, with the bytes of the tunnel, or none when its
 * requests were inspected and are counted for themselves. The time is that of the end, as in Squid. Pure.
 *
 * Values that could end a field or a line are percent-encoded; no record is cut, since Squid itself would cut at 8 KiB: a
 * longer URL is shortened before it gets here (bound.ts).
 */
import { hostPort, urlOf } from './facts.ts';
import type { Bounded } from './bound.ts';
import type { ExchangeRow, FlowRow } from '../store/store.ts';

/** One record as one line, or null for what an access log does not hold. */
export function squidLine({ fed }: Bounded): string | null {
  switch (fed.kind) {
    case 'exchange':
      return requestLine(fed.row);
    case 'flow':
      return connectLine(fed.row, fed.record?.originAddress ?? null);
    case 'event':
      return null;
  }
}

function requestLine(row: ExchangeRow): string {
  const blocked = row.verdict === 'block';
  const tag = blocked ? 'TCP_DENIED' : row.status === null ? 'TCP_MISS_ABORTED' : 'TCP_MISS';
  const status = row.status ?? (blocked ? 403 : 0);
  const way = blocked ? 'HIER_NONE/-' : `HIER_DIRECT/${field(row.host)}`;
  return line(row, `${tag}/${digits(status)}`, row.resBytes, row.method, urlOf(row), way, row.contentType);
}

function connectLine(row: FlowRow, address: string | null): string {
  const url = row.host === null ? 'error:transaction-end-before-headers' : hostPort(row.host, row.port);
  if (row.verdict === 'block')
    return line(row, 'TCP_DENIED/403', row.bytesDown, 'CONNECT', url, 'HIER_NONE/-', null);
  if (row.verdict === null) return line(row, 'NONE_NONE/000', 0, 'CONNECT', url, 'HIER_NONE/-', null);
  if (row.verdict === 'inspect') return line(row, 'NONE_NONE/200', 0, 'CONNECT', url, 'HIER_NONE/-', null);
  const way = `HIER_DIRECT/${field(address ?? row.host ?? '-')}`;
  const tag = row.fault === null || row.bytesDown > 0 ? 'TCP_TUNNEL/200' : 'TCP_TUNNEL/503';
  return line(row, tag, row.bytesDown, 'CONNECT', url, way, null);
}

function line(
  row: { time: number; ms: number; client: string; user: string | null },
  result: string,
  bytes: number,
  method: string,
  url: string,
  way: string,
  type: string | null,
): string {
  const end = Math.max(0, Math.round(row.time + row.ms));
  const time = Number.isSafeInteger(end)
    ? `${Math.floor(end / 1000)}.${String(end % 1000).padStart(3, '0')}`
    : '0.000';
  const elapsed = String(Math.max(0, Math.round(row.ms))).padStart(6);
  return `${time} ${elapsed} ${field(row.client)} ${result} ${bytes} ${field(method)} ${field(url)} ${field(row.user ?? '')} ${way} ${field(type ?? '')}`;
}

const digits = (status: number): string => String(status).padStart(3, '0');

/** A value without anything that ends a field; `-` when empty. UTF-8 octets outside printable ASCII as `%XX`. */
export function field(text: string): string {
  if (text === '') return '-';
  if (/^[!-~]+$/.test(text)) return text;
  let out = '';
  for (const octet of Buffer.from(text))
    out +=
      octet > 0x20 && octet < 0x7f
        ? String.fromCharCode(octet)
        : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}
