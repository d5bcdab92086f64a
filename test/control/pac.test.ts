import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { it } from 'node:test';
import { keepPac } from '../../src/control/pac.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { policyOf } from '../policy/facts.ts';
import { pacOf } from '../policy/pac/run.ts';

const doc = (...rules: string[]) => policyOf(`version: 1\ndefault: block\nrules: [${rules.join(', ')}]\n`);
const BANK = '{ name: bank, when: { host: .bank.test }, action: passthrough, pac: direct }';
const ADA = '{ name: ada, when: { host: a.test, user: ada }, action: passthrough, pac: direct }';

it('the file follows the policy; what goes direct and what cannot is told; of fast changes the last counts', async () => {
  const settings = loadSettings({ flags: { 'data-dir': '/nonexistent', 'pac.proxies': 'p.test:8080' } });
  const events = new EventEmitter();
  const published = new EventEmitter();
  const told: [string, Record<string, unknown>][] = [];
  let current = doc();
  const keeper = await keepPac(
    { current: () => current, on: (event, listener) => void events.on(event, listener) },
    settings,
    (name, detail) => void told.push([name, detail]),
    text => void published.emit('text', text),
  );
  const ask = (): string => pacOf(keeper.current())('https://www.bank.test/');
  assert.equal(ask(), 'PROXY p.test:8080');
  assert.deepEqual(told, [], 'nothing goes direct, nothing to tell');

  const texts: string[] = [];
  published.on('text', text => void texts.push(String(text)));
  events.emit('applied', null, doc());
  current = doc(BANK, ADA);
  const next = once(published, 'text');
  events.emit('applied', null, current);
  await next;
  assert.equal(ask(), 'DIRECT');
  assert.equal(texts.at(-1), keeper.current());
  assert.deepEqual(told, [
    [
      'pac.made',
      {
        policy: current.version,
        direct: 1,
        dropped: 0,
        kept: [{ rule: 'ada', why: 'it asks for more than the name of the host' }],
      },
    ],
  ]);
});
