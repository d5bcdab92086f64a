/**
 * Whether the system's resolver (hosts file, nsswitch, what the proxy uses) and each configured DNS server give the same
 * addresses. Servers that spread load answer differently each time, so only answers without a common address differ.
 */
import { getServers, Resolver } from 'node:dns/promises';
import { lookup } from 'node:dns/promises';
import { canonicalHost } from '../../core/host-name.ts';
import { answer, type Answer } from './answer.ts';
import { words, type Patient } from './patient.ts';

type Told = { addresses: string[] } | { error: string };

/** Errors that mean the server did not answer, as opposed to answering no. */
const SILENT = new Set(['ETIMEOUT', 'ECONNREFUSED', 'ECANCELLED', 'EREFUSED']);
/** Servers asked; a resolv.conf names at most three that count. */
const MAX_SERVERS = 3;

/** `servers`: addresses, with port where it is not 53; those of the system when not given. */
export async function askNames(
  { hosts, patience }: Patient,
  servers: readonly string[] = getServers(),
): Promise<Answer[]> {
  const names = hosts.map(h => h.host).filter(host => canonicalHost(host).kind === 'name');
  if (names.length === 0) return [answer('names-none', 'There is no name to ask for.')];
  const answers: Answer[] = [];
  const agreeing: string[] = [];
  const silent = new Map<string, string>();
  for (const name of names) {
    const system = await told(lookup(name, { all: true }).then(list => list.map(a => a.address)));
    const evidence = [`system: ${text(system)}`];
    const others: Told[] = [];
    for (const server of servers.slice(0, MAX_SERVERS)) {
      const said = await ask(server, name, patience);
      if ('error' in said && SILENT.has(said.error)) silent.set(server, said.error);
      else others.push(said);
      evidence.push(`${server}: ${text(said)}`);
    }
    if ('error' in system) {
      answers.push(answer('names-fail', `${name} has no address here (${system.error}).`, evidence));
      continue;
    }
    const strange = others.some(o => 'error' in o || !o.addresses.some(a => system.addresses.includes(a)));
    if (strange)
      answers.push(
        answer('names-differ', `${name} has different addresses, depending on who is asked.`, evidence),
      );
    else agreeing.push(`${name}: ${evidence.join('; ')}`);
  }
  for (const [server, error] of silent)
    answers.push(answer('names-silent', `The DNS server ${server} does not answer (${error}).`));
  if (agreeing.length > 0)
    answers.unshift(
      answer('names-agree', `The resolvers agree on ${agreeing.length} of ${names.length} names.`, agreeing),
    );
  return answers;
}

async function ask(server: string, name: string, patience: number): Promise<Told> {
  const resolver = new Resolver({ timeout: patience, tries: 1 });
  resolver.setServers([server]);
  const [four, six] = await Promise.all([told(resolver.resolve4(name)), told(resolver.resolve6(name))]);
  const addresses = [four, six].flatMap(t => ('error' in t ? [] : t.addresses));
  if (addresses.length > 0) return { addresses };
  return 'error' in four ? four : six;
}

const told = (work: Promise<string[]>): Promise<Told> =>
  work.then(
    addresses => ({ addresses }),
    (error: unknown) => ({ error: words(error) }),
  );

const text = (t: Told): string => ('error' in t ? t.error : t.addresses.join(', '));
