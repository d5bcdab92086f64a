import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { learn } from '../../src/control/learn-thread.ts';
import { followPolicy, ListKeeper, listStates, prepareLists } from '../../src/control/policy-sources.ts';
import type { ListKeeperOptions } from '../../src/control/policy-sources.ts';
import { copiesDir, copyName } from '../../src/policy/sources.ts';
import { openPolicyStore } from '../../src/policy/store.ts';
import { documentOf, flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { recordsIn } from '../helpers/records-in.ts';

const YAML = 'version: 1\nlists: { l: { url: https://lists.test/l, refresh: 1h } }\n';
const HOUR = 3_600_000;

function house(t: TestContext, fetch: ListKeeperOptions['fetch']) {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-keeper-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const events: string[] = [];
  const clock = { now: 1_000_000 };
  const copies = copiesDir(join(dir, 'policy'));
  const keeper = new ListKeeper({
    dir: copies,
    records: recordsIn(dir),
    fetch,
    learn,
    onEvent: (name, detail) => events.push(`${name} ${String(detail['list'])}`),
    now: () => clock.now,
  });
  t.after(() => keeper.stop());
  return { dir, copies, keeper, events, clock };
}

const served = (text: string) => ({
  kind: 'new' as const,
  body: Buffer.from(text),
  etag: null,
  lastModified: null,
});

describe('keeping lists', () => {
  it('looks when it is time, tells failures each time and alarms once while a copy is old', async t => {
    let asked = 0;
    let broken = false;
    const { keeper, events, clock } = house(t, () => {
      asked++;
      return broken ? Promise.reject(new Error('gone')) : Promise.resolve(served('a.test\n'));
    });
    await keeper.follow(documentOf(YAML));
    await keeper.look();
    await keeper.look();
    assert.equal(asked, 1);
    assert.deepEqual(events, ['list.refreshed l']);
    broken = true;
    clock.now += HOUR;
    await keeper.look();
    await keeper.look();
    assert.equal(asked, 2, 'after a failure it waits');
    clock.now += 2 * HOUR + 1;
    await keeper.look();
    clock.now += HOUR;
    await keeper.look();
    const [state] = await keeper.states();
    assert.equal(state?.alarm, 'stale');
    assert.equal(state.age, 4 * HOUR + 1);
    broken = false;
    await keeper.look(true);
    assert.deepEqual(events.slice(1), [
      'list.failed l',
      'list.failed l',
      'list.stale l',
      'list.failed l',
      'list.fresh l',
    ]);
    assert.equal((await keeper.states())[0]?.alarm, null);
  });

  it('alarms at once, and once, when what came is not the list that the policy lets pass', async t => {
    const digest = createHash('sha256').update('a.test\n').digest('hex');
    let text = 'a.test\n';
    const { keeper, events, clock } = house(t, () => Promise.resolve(served(text)));
    await keeper.follow(
      documentOf(`version: 1\nlists: { l: { url: https://lists.test/l, refresh: 1h, sha256: ${digest} } }\n`),
    );
    await keeper.look();
    text = 'evil.test\n';
    await keeper.look(true);
    await keeper.look(true);
    assert.equal((await keeper.states())[0]?.alarm, 'untrusted');
    text = 'a.test\n';
    clock.now += HOUR;
    await keeper.look();
    assert.deepEqual(events, [
      'list.refreshed l',
      'list.failed l',
      'list.untrusted l',
      'list.failed l',
      'list.fresh l',
    ]);
  });

  it('learns from recorded traffic, within its time', async t => {
    const { dir, copies, keeper, clock } = house(t, () => Promise.reject(new Error('nothing to fetch')));
    const now = Date.UTC(2026, 10, 20, 12);
    clock.now = now;
    const rejected = (host: string, client: string, at = now - HOUR) => ({
      facts: flow(host, { now: at, client }),
      verdict: verdict('inspect', 'r'),
      fault: 'client-rejected-leaf',
    });
    const accepted = (client: string) => ({
      facts: flow('web.test', { now: now - HOUR, client }),
      verdict: verdict('inspect', 'r'),
    });
    record(dir, now, [
      accepted('10.0.0.1'),
      accepted('10.0.0.2'),
      rejected('pin.test', '10.0.0.1'),
      rejected('pin.test', '10.0.0.2'),
      rejected('old.test', '10.0.0.1', now - 3 * 86_400_000),
      rejected('old.test', '10.0.0.2', now - 3 * 86_400_000),
    ]);
    const document = documentOf(
      'version: 1\nlists: { p: { learned: pinned, min-clients: 2, within: 1d } }\n',
    );
    await keeper.follow(document);
    await keeper.look();
    const source = document.lists['p'];
    assert.ok(source?.kind === 'learned');
    assert.equal(readFileSync(join(copies, copyName(source)), 'utf8'), 'pin.test\n');
    assert.equal((await listStates(document, copies, now))[0]?.entries, 1);
  });

  it('a policy that waits for its first copy comes into force when it is there', async t => {
    let online = false;
    const { dir, keeper } = house(t, () =>
      online ? Promise.resolve(served('a.test\nb.test\n')) : Promise.reject(new Error('no route')),
    );
    const file = join(dir, 'policy.yaml');
    writeFileSync(file, YAML);
    await prepareLists(keeper, file);
    await assert.rejects(openPolicyStore({ file, cacheDir: join(dir, 'policy') }), /there is no copy of/);
    online = true;
    await prepareLists(keeper, file);
    const store = await openPolicyStore({ file, cacheDir: join(dir, 'policy'), pollMs: 5 });
    t.after(() => store.close());
    await followPolicy(keeper, store);
    assert.equal(store.current().lists.get('l')?.set.size, 2);
    // Another list is added while it runs: refused at first, fetched, and then in force.
    const awake = setInterval(() => undefined, 1000);
    t.after(() => clearInterval(awake));
    const applied = new Promise<void>(resolve => store.on('applied', () => resolve()));
    writeFileSync(file, YAML.replace(' } }', ' }, m: { url: https://lists.test/m } }'));
    await applied;
    assert.equal(store.current().lists.get('m')?.set.size, 2);
  });
});
