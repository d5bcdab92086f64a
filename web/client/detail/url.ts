/** The address a request was for, as text. Nothing here is ever put into a link: captured addresses are not followed. */
import type { ExchangeRow } from '../../contract.ts';

export function exchangeUrl(row: Pick<ExchangeRow, 'scheme' | 'host' | 'port' | 'path'>): string {
  const host = row.host.includes(':') ? `[${row.host}]` : row.host;
  const port = row.port === (row.scheme === 'https' ? 443 : 80) ? '' : `:${row.port}`;
  return `${row.scheme}://${host}${port}${row.path.startsWith('/') ? '' : '/'}${row.path === '*' ? '' : row.path}`;
}
