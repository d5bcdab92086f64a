import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { listsCommand } from '../../../src/cli/lists.ts';
import { openControlDb } from '../../../src/control/control-db.ts';
import { ListTokens } from '../../../src/control/list-tokens.ts';

it('lists token: add prints it alone on standard output, list and revoke', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-token-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const out: string[] = [];
  t.mock.method(console, 'log', (line: string) => void out.push(line));
  t.mock.method(console, 'error', () => undefined);
  const run = async (...argv: string[]): Promise<string> => {
    out.length = 0;
    await listsCommand().parseAsync(['token', ...argv, '--data-dir', dir], { from: 'user' });
    return out.join('\n');
  };
  const token = await run('add', 'edge');
  const db = openControlDb(dir);
  assert.equal(new ListTokens(db).use(token), 'edge');
  db.close();
  assert.match(await run('list'), /^edge +used 20/);
  const made = JSON.parse(await run('add', 'core', '--json')) as { name: string; token: string };
  assert.equal(made.name, 'core');
  const listed = JSON.parse(await run('list', '--json')) as {
    tokens: { name: string; used: string | null }[];
  };
  assert.deepEqual(
    listed.tokens.map(x => [x.name, x.used === null]),
    [
      ['core', true],
      ['edge', false],
    ],
  );
  assert.equal(await run('revoke', 'edge'), 'edge is revoked');
  await assert.rejects(run('revoke', 'edge'), /there is no token "edge"/);
});
