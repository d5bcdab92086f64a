import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { secretFindings } from '../../src/control/secret-check.ts';
import { parsePolicy } from '../../src/policy/parse.ts';

const POLICY = `version: 1
parents:
  open: ['p.test:3128']
  good: { members: ['p.test:3128'], credentials: good }
  gone: { members: ['p.test:3128'], credentials: gone }
  bad: { members: ['p.test:3128'], credentials: bad }
`;

test('secrets that cannot be read are told with their group and line, never with what they hold', async t => {
  const parsed = parsePolicy(POLICY);
  assert.ok(parsed.ok);
  const folder = mkdtempSync(join(tmpdir(), 'sightglass-secrets-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'good'), 'ada:word\n');
  writeFileSync(join(folder, 'bad'), 'justapassword\n');
  const found = await secretFindings(parsed.document, parsed.positions, folder);
  assert.deepEqual(
    found.map(f => [f.line, f.severity]),
    [
      [5, 'warning'],
      [6, 'warning'],
    ],
  );
  assert.match(
    found[0]?.message ?? '',
    /^parent group "gone": secret "gone": ENOENT; flows through it would end/,
  );
  assert.match(found[1]?.message ?? '', /no user:password/);
  assert.ok(!JSON.stringify(found).includes('justapassword'));
});

test('where there is no folder of secrets it is worth a note: the policy may run elsewhere', async () => {
  const parsed = parsePolicy(POLICY);
  assert.ok(parsed.ok);
  const found = await secretFindings(parsed.document, parsed.positions, '/nowhere/at/all');
  assert.deepEqual(
    found.map(f => f.severity),
    ['note', 'note', 'note'],
  );
});
