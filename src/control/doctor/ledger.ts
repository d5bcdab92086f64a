/** What the records of the last day say: whether clients trust our certificates, which hosts are used, and the newest row's time. */
import type { AuditStore, FacetOptions } from '../../audit/store/store.ts';
import { parseQuery } from '../../audit/query/parse.ts';
import { canonicalHost } from '../../core/host-name.ts';
import { answer, type Answer } from './answer.ts';

const DAY_MS = 86_400_000;
/** ms a question to the store may take; what it finds until then is told. */
const BUDGET = 2_000;
/** Rows may lie this far ahead: they are stamped when they begin, in another process. */
const AHEAD_MS = 60_000;
const SHOWN = 10;

/** Hosts of inspected flows of the last day, the most frequent first. */
export async function frequentHosts(
  store: AuditStore,
  now: number,
  limit: number,
): Promise<{ host: string; port: number }[]> {
  const { values } = await store.facets(queryOf('verdict:inspect port:443', now), {
    ...day(now),
    kind: 'flows',
    field: 'host',
    limit,
  });
  return values.flatMap(({ value }) =>
    typeof value === 'string' && canonicalHost(value).kind === 'name' ? [{ host: value, port: 443 }] : [],
  );
}

export async function askClients(store: AuditStore, now: number): Promise<Answer[]> {
  const refused = queryOf('fault:client-rejected-leaf', now);
  const [inspected, distrusted, clients, hosts] = [
    await store.count(queryOf('verdict:inspect', now), { ...day(now), kind: 'flows' }),
    await store.count(refused, { ...day(now), kind: 'flows' }),
    await store.facets(refused, { ...day(now), kind: 'flows', field: 'client', limit: SHOWN }),
    await store.facets(refused, { ...day(now), kind: 'flows', field: 'host', limit: SHOWN }),
  ];
  if (inspected.count === 0) return [answer('client-none', 'Nothing was inspected in the last day.')];
  const evidence = [
    `${inspected.count} inspected flows in the last day, ${distrusted.count} of them refused by the client`,
  ];
  if (distrusted.count === 0)
    return [answer('client-good', 'No client refused our certificates in the last day.', evidence)];
  const list = (values: { value: string | number | null; count: number }[]): string =>
    values.map(v => `${v.value ?? 'unknown'} (${v.count})`).join(', ');
  return [
    answer('client-distrust', 'Some clients refuse our certificates.', [
      ...evidence,
      `clients: ${list(clients.values)}`,
      `hosts: ${list(hosts.values)}`,
    ]),
  ];
}

/** An answer only when records come from the future. */
export async function askHistory(store: AuditStore, now: number): Promise<Answer[]> {
  const days = await store.days();
  const newest = Math.max(...days.map(d => d.to ?? 0));
  if (newest <= now + AHEAD_MS) return [];
  return [
    answer('clock-backwards', 'The newest record lies in the future.', [
      `newest record ${new Date(newest).toISOString()}, clock ${new Date(now).toISOString()}`,
    ]),
  ];
}

const day = (now: number): Pick<FacetOptions, 'since' | 'until' | 'budget'> => ({
  since: now - DAY_MS,
  until: now + AHEAD_MS,
  budget: BUDGET,
});

function queryOf(text: string, now: number) {
  const parsed = parseQuery(text, { kind: 'flows', now });
  if (!parsed.ok) throw new Error(`the doctor asks "${text}", which the query language refuses`);
  return parsed.query;
}
