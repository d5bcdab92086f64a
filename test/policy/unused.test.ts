import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../src/policy/analyse.ts';
import { unusedRules } from '../../src/policy/unused.ts';

const warning = (rule: string): Finding => ({
  kind: 'shadowed',
  severity: 'warning',
  rule,
  list: null,
  line: 1,
  message: '',
  hint: '',
});

void test('told are rules in force that met nothing and have no warning that explains it', () => {
  const found = unusedRules({
    rules: ['used', 'idle', 'new', 'hidden', 'noted'],
    inForce: new Set(['used', 'idle', 'hidden', 'noted', 'gone']),
    met: new Set(['used', 'gone']),
    findings: [warning('hidden'), { ...warning('noted'), kind: 'overlap', severity: 'note' }],
    positions: { rules: [3, 5, 7, 9, 11] },
    since: '2026-10-21',
  });
  assert.deepEqual(
    found.map(f => [f.rule, f.kind, f.severity, f.line, f.message]),
    [
      ['idle', 'unused', 'note', 5, 'has decided nothing since 2026-10-21'],
      ['noted', 'unused', 'note', 11, 'has decided nothing since 2026-10-21'],
    ],
  );
});
