/** Formats whose consumer is no free program, and our own: written, read back, asked of our matcher. */
import assert from 'node:assert/strict';
import { compileDomainSet, openDomainSet } from '../../src/policy/domain-set.ts';
import { canonicalHost } from '../../src/core/host-name.ts';
import { readList } from '../policy/lists/helper.ts';
import { setOf } from '../../src/policy/lists/tidy.ts';
import { judge } from './truth.ts';
import type { Consumer, Export } from './truth.ts';

function readBack(format: string): (what: Export) => Promise<Consumer> {
  return async ({ texts }) => {
    const lists = await Promise.all(texts.map(text => readList(format, text)));
    for (const list of lists) assert.deepEqual(list.rejects, []);
    const all = lists.flatMap(l => l.full);
    const listed = openDomainSet(compileDomainSet(all.filter(e => e.action !== 'allow')));
    const excepted = setOf(all.filter(e => e.action === 'allow'));
    return {
      async ask(name) {
        const host = canonicalHost(name);
        return host.kind === 'name' && listed.match(host.name) && !excepted.match(host.name);
      },
      stop: async () => undefined,
    };
  };
}

for (const format of [
  'plain',
  'csv',
  'json',
  'sightglass',
  'pan-edl',
  'suricata',
  'hosts',
  'nginx',
  'rpz',
  'haproxy',
])
  judge({ format, consumer: 'our own reader', start: readBack(format) });
