import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { listsCommand } from '../../../src/cli/lists.ts';
import { runVerb, type Ran } from '../run-verb.ts';
import { OriginCa } from '../../helpers/proxy.ts';

const run = (t: TestContext, ...argv: string[]): Promise<Ran> => runVerb(t, listsCommand(), ...argv);

it('fetch brings the lists of the policy, status tells of them; a failure keeps what there is', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-fetch-'));
  const ca = new OriginCa();
  let up = true;
  const server = createServer(await ca.certificate('127.0.0.1'), (_req, res) => {
    if (up) res.end('a.test\nb.test\n');
    else res.writeHead(503).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
    ca.remove();
    rmSync(dir, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(dir, 'ca.pem'), ca.pem);
  writeFileSync(
    join(dir, 'policy.yaml'),
    `version: 1\nlists:\n  feed: { url: 'https://127.0.0.1:${port}/', refresh: 1h }\n  pins: { learned: pinned }\n`,
  );
  const at = ['--data-dir', dir];
  const trust = ['--egress.allow', '127.0.0.0/8', '--origin.extra-ca', join(dir, 'ca.pem')];
  assert.match((await run(t, 'status', ...at)).out, /^feed +0 names {2}current as of never/m);
  const fetched = await run(t, 'fetch', ...at, ...trust);
  assert.equal(fetched.code, 0, fetched.out);
  assert.match(fetched.out, /^feed +2 names {2}current as of 20/m);
  assert.match(fetched.out, /^pins +0 names/m);
  up = false;
  const failed = await run(t, 'fetch', 'feed', '--json', ...at, ...trust);
  assert.equal(failed.code, 1);
  const { lists } = JSON.parse(failed.out) as {
    lists: { name: string; entries: number; failed: { message: string } }[];
  };
  assert.deepEqual(
    lists.map(l => [l.name, l.entries, l.failed.message]),
    [['feed', 2, 'it answers 503 Service Unavailable']],
  );
  assert.equal((await run(t, 'fetch', 'feed', ...at)).code, 1, 'loopback is refused without egress.allow');
  await assert.rejects(run(t, 'fetch', 'nothing', ...at), /the policy has no list "nothing"/);
});
