/** The way from something recorded to the explanation of its decision, with the form there filled in. */
import type { ExchangeRow, FlowRow } from '../../contract.ts';

export type WhyRow = Pick<ExchangeRow | FlowRow, 'sni' | 'host' | 'port' | 'client' | 'user' | 'time'>;

/** Address of the explanation of a flow or an exchange by its id. */
export function whyAddress(record: string, { sni, host, port, client, user, time }: WhyRow): string {
  const params = new URLSearchParams({ tab: 'try', record });
  const filled = { sni, host, port: port === null ? null : String(port), client, user, at: time };
  for (const [name, value] of Object.entries(filled))
    if (value !== null && value !== '') params.set(name, value);
  return `/policy?${params.toString()}`;
}
