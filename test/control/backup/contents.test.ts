import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupFiles } from '../../../src/control/backup/contents.ts';
import { dataDir } from './house.ts';

void test('days first, the spool last; databases in use are copied as such, sealed days byte by byte', t => {
  const { dir } = dataDir(t);
  assert.deepEqual(
    backupFiles(dir).map(f => `${f.how} ${f.path}`),
    [
      'bytes audit/2026-11-18.db',
      'bytes audit/2026-11-18.seal',
      'database audit/2026-11-20.db',
      'bytes ca/authority.key',
      'bytes policy.yaml',
      'bytes policy/versions/empty',
      'bytes spool/1-1.seg',
    ],
  );
});
