import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeenHosts } from '../../../src/policy/lists/seen.ts';
import type { SeenOptions } from '../../../src/policy/lists/seen.ts';

const ALL: SeenOptions = { minClients: 1, minFlows: 1, neverBlocked: false };

function seen(options: Partial<SeenOptions>): string[] {
  const hosts = new SeenHosts({ ...ALL, ...options });
  const add = (
    sni: string | null,
    client: string,
    verdict = 'inspect',
    host: string | null = 'asked.test',
  ): void => hosts.add({ time: Date.UTC(2026, 10, 20), client, sni, host, verdict });
  for (const client of ['10.0.0.1', '10.0.0.2', '10.0.0.2']) add('WWW.a.test.', client);
  add('b.test', '10.0.0.1', 'block');
  add('b.test', '10.0.0.2');
  add(null, '10.0.0.1');
  add(null, '10.0.0.1', 'inspect', '192.0.2.1');
  add(null, '10.0.0.1', 'block', null);
  add('evil\u0000', '10.0.0.1');
  assert.deepEqual(hosts.counts, { flows: 6, beyond: 0 });
  return hosts.entries().map(e => e.name);
}

it('counts names by what was really asked for, most flows first, and keeps what passes the thresholds', () => {
  assert.deepEqual(seen({}), ['www.a.test', 'b.test', 'asked.test']);
  assert.deepEqual(seen({ minClients: 2 }), ['www.a.test', 'b.test']);
  assert.deepEqual(seen({ minFlows: 3 }), ['www.a.test']);
  assert.deepEqual(seen({ neverBlocked: true, minClients: 2 }), ['www.a.test']);
});

it('tells the counts with each name', () => {
  const hosts = new SeenHosts(ALL);
  hosts.add({ time: 0, client: 'c', sni: 'a.test', host: null, verdict: null });
  assert.deepEqual(hosts.entries()[0], {
    name: 'a.test',
    match: 'exact',
    action: null,
    source: 'traffic',
    category: null,
    comment: '1 flows, 1 clients, last 1970-01-01T00:00:00.000Z',
    addedBy: null,
    expires: null,
  });
});
