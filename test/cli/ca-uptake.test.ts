import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openAuthority } from '../../ca/authority.ts';
import { describeLife } from '../../ca/life.ts';
import { prepareNext } from '../../ca/rotation.ts';
import { caCommand } from '../../src/cli/ca.ts';
import { measureTrust } from '../../src/cli/ca-uptake.ts';
import { flow } from '../policy/facts.ts';
import { record, verdict } from '../policy/recorded.ts';
import { runVerb } from './run-verb.ts';
import { recordsIn } from '../helpers/records-in.ts';

it('tells who accepts which root, decides the switch of a rotation, and says what to do while nobody was seen', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-uptake-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const ca = join(dir, 'ca');
  openAuthority({ dir: ca });
  prepareNext({ dir: ca, passphrase: null });
  const run = (...args: string[]) => runVerb(t, caCommand(), ...args, '--data-dir', dir);
  assert.match((await run('uptake')).out, /^no client was shown a certificate since .*\nLead one through/);
  const next = describeLife(ca).roots.find(root => root.role === 'next')?.sha256 ?? '';
  assert.equal(await measureTrust(recordsIn(dir), next), null);

  const now = Date.now();
  record(
    dir,
    now,
    ['10.0.0.1', '10.0.0.2'].map((client, i) => ({
      facts: flow('a.test', { client, now, user: 'a\u001b[31mda' }),
      verdict: verdict('inspect', 'all'),
      leaf: '01',
      ...(i === 0 ? { requests: [{}] } : { fault: 'client-rejected-leaf' }),
    })),
    [{ kind: 'event', time: now, name: 'ca.leaf', detail: { serial: '01', trust: 'next', root: next } }],
  );
  const { out } = await run('uptake', '--limit', '1');
  assert.match(out, /^2 clients since /);
  assert.match(out, /root [0-9a-f]{16} next: 1 accept \(50 %\), 1 only refuse/);
  assert.match(out, /root [0-9a-f]{16} current: nobody was asked yet/);
  assert.match(out, /and 1 more; --limit shows them/);
  assert.ok(!out.includes('\u001b'), 'hostile bytes stay bytes');
  const json = JSON.parse((await run('uptake', '--json')).out) as { clients: number; rows: unknown[] };
  assert.deepEqual([json.clients, json.rows.length], [2, 2]);
  await assert.rejects(run('uptake', '--since', 'yesteryear'), /is no time/);
  await assert.rejects(run('uptake', '--limit', '0'), /is no number of rows/);

  await assert.rejects(run('rotate', '--switch'), /1 of 2 clients \(50 %\) accept the new root/);
  assert.match((await run('rotate', '--switch', '--least-share', '50')).out, /Switched/);
});
