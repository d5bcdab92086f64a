import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { loadSnapshot } from '../../src/policy/compile.ts';
import { decide } from '../../src/policy/decide.ts';
import { readSetFile } from '../../src/policy/set-file.ts';
import { PolicyRefused, openPolicyStore } from '../../src/policy/store.ts';
import type { PolicyStore } from '../../src/policy/store.ts';
import { flow } from './facts.ts';

const GOOD = 'version: 1\ndefault: inspect\n';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-policy-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

interface Opened {
  store: PolicyStore;
  events: [string, Record<string, unknown>][];
  /** Resolves with the next event of that kind. */
  next: (event: 'applied' | 'rejected') => Promise<void>;
}

async function open(t: TestContext, file: string): Promise<Opened> {
  const events: [string, Record<string, unknown>][] = [];
  const store = await openPolicyStore({
    file,
    cacheDir: join(file, '..', 'cache'),
    pollMs: 20,
    onEvent: (name, detail) => events.push([name, detail]),
  });
  t.after(() => store.close());
  const next = (event: 'applied' | 'rejected'): Promise<void> =>
    new Promise(resolve => {
      // The store's own timer keeps no process alive, this one does until the event is there.
      const alive = setInterval(() => undefined, 1000);
      const listener = (): void => {
        clearInterval(alive);
        store.off(event, listener);
        resolve();
      };
      store.on(event, listener);
    });
  return { store, events, next };
}

describe('policy store', () => {
  it('writes the shipped policy on first start and never again', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    const { store, events } = await open(t, file);
    assert.deepEqual(
      events.map(e => e[0]),
      ['policy.created', 'policy.applied'],
    );
    assert.equal(decide(flow('www.example.com'), store.current()).rule, 'inspect-everything-else');
    assert.equal(decide(flow('init.push.apple.com'), store.current()).action, 'passthrough');
    store.close();
    await writeFile(file, GOOD);
    await open(t, file);
    assert.equal(await readFile(file, 'utf8'), GOOD);
  });

  it('refuses to open on a bad policy and tells where', async t => {
    const file = join(await folder(t), 'policy.yaml');
    await writeFile(file, 'version: 1\nrulez: []\n');
    await assert.rejects(open(t, file), e => {
      assert.ok(e instanceof PolicyRefused);
      assert.match(e.message, /policy\.yaml:2:1: unknown key "rulez"/);
      assert.match(e.hint, /policy check/);
      return true;
    });
  });

  it('applies a change, keeps the last good version on a mistake, and recovers', async t => {
    const file = join(await folder(t), 'policy.yaml');
    await writeFile(file, GOOD);
    const { store, events, next } = await open(t, file);
    const [first, since] = [store.snapshot().version, store.appliedAt()];

    let happened = next('rejected');
    await writeFile(file, 'version: 1\ndefault: blok\n');
    await happened;
    assert.deepEqual([store.snapshot().version, store.appliedAt()], [first, since]);
    assert.equal(decide(flow('x.test'), store.current()).action, 'inspect');
    const [name, detail] = events.at(-1) ?? [];
    assert.equal(name, 'policy.rejected');
    assert.deepEqual([detail?.['line'], detail?.['column'], detail?.['kept']], [2, 10, first]);
    assert.match(String(detail?.['hint']), /"block"/);
    assert.equal(store.problems().length, 1);

    happened = next('applied');
    const written = Date.now();
    await writeFile(file, 'version: 1\ndefault: block\n');
    await happened;
    assert.equal(decide(flow('x.test'), store.current()).action, 'block');
    assert.ok(since <= written && store.appliedAt() >= written, 'told when it came into force');
    assert.equal(store.problems().length, 0);
    assert.equal(events.at(-1)?.[1]['previous'], first);
  });

  it('follows editors that rename, and files that go away and come back', async t => {
    const file = join(await folder(t), 'policy.yaml');
    await writeFile(file, GOOD);
    const { store, next } = await open(t, file);
    let happened = next('applied');
    await writeFile(`${file}.new`, 'version: 1\ndefault: passthrough\n');
    await rename(`${file}.new`, file);
    await happened;
    assert.equal(store.current().fallback.action, 'passthrough');

    happened = next('rejected');
    await rm(file);
    await happened;
    assert.match(store.problems()[0]?.message ?? '', /no such file/);
    assert.equal(store.current().fallback.action, 'passthrough');

    happened = next('applied');
    await writeFile(file, 'version: 1\ndefault: block\n');
    await happened;
    assert.equal(store.current().fallback.action, 'block');
  });

  it('follows list files, refuses bad lines with their number, and tells it once', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    const list = join(dir, 'lists', 'deny.txt');
    await mkdir(join(dir, 'lists'));
    await writeFile(list, '# comment\n.bad.test # with a comment\r\n\nBÜCHER.test');
    await writeFile(
      file,
      `${GOOD}lists: { deny: { file: lists/deny.txt } }\nrules:\n  - { name: deny, when: { host: 'list:deny' }, action: block }\n`,
    );
    const { store, events, next } = await open(t, file);
    assert.equal(decide(flow('www.bad.test'), store.current()).action, 'block');
    assert.equal(decide(flow('xn--bcher-kva.test'), store.current()).action, 'block');

    let happened = next('applied');
    await writeFile(list, '.worse.test\n');
    await happened;
    assert.equal(decide(flow('www.bad.test'), store.current()).action, 'inspect');

    happened = next('rejected');
    await writeFile(list, `${'.worse.test\n'.repeat(999)}bad..test\n`);
    await happened;
    assert.deepEqual([store.problems()[0]?.file, store.problems()[0]?.line], [list, 1000]);
    assert.equal(decide(flow('worse.test'), store.current()).action, 'block');
    await store.reload();
    await store.reload();
    assert.equal(events.filter(e => e[0] === 'policy.rejected').length, 1);

    happened = next('applied');
    await writeFile(list, '.other.test\n');
    await happened;
    assert.equal(decide(flow('other.test'), store.current()).action, 'block');
  });

  it('hands long lists to workers as files that are checked, and clears old ones away', async t => {
    const dir = await folder(t);
    const file = join(dir, 'policy.yaml');
    const list = join(dir, 'deny.txt');
    const lines = (prefix: string): string =>
      Array.from({ length: 2000 }, (_, i) => `.${prefix}${i}.test\n`).join('');
    await writeFile(list, lines('a'));
    await writeFile(
      file,
      `${GOOD}lists: { deny: { file: deny.txt } }\nrules:\n  - { name: deny, when: { host: 'list:deny' }, action: block }\n`,
    );
    const { store } = await open(t, file);
    const source = store.snapshot().lists['deny'];
    assert.ok(source?.kind === 'file');
    const worker = await loadSnapshot(store.snapshot(), readSetFile);
    assert.equal(decide(flow('www.a1999.test'), worker).action, 'block');
    assert.equal(decide(flow('www.b1999.test'), worker).action, 'inspect');
    for (const prefix of ['b', 'c', 'd', 'e']) {
      await writeFile(list, lines(prefix));
      assert.equal(await store.reload(), true);
    }
    assert.equal((await readdir(join(dir, 'cache'))).length, 3);
    const now = store.snapshot().lists['deny'];
    assert.ok(now?.kind === 'file');
    await truncate(now.path, 5000);
    await assert.rejects(readSetFile(now.path, now.digest), /damaged/);
    await assert.rejects(readSetFile(source.path, source.digest), { code: 'ENOENT' });
  });
});
