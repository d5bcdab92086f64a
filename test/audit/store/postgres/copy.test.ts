/** Lines of COPY: nothing in a value can end its field or its row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodecError } from '../../../../src/audit/bytes.ts';
import { copyFields, small, told, whole } from '../../../../src/audit/store/postgres/copy.ts';

test('values become fields, and what parts fields and rows is escaped', () => {
  assert.equal(
    copyFields([1, 'a\tb\nc\rd\\e', null, true, false, Buffer.from([0, 255]), '\\N', '\\.', '']),
    '1\ta\\tb\\nc\\rd\\\\e\t\\N\tt\tf\t\\\\x00ff\t\\\\N\t\\\\.\t',
  );
});

test('numbers and texts that break their type are refused', () => {
  for (const bad of [NaN, Infinity, null as never, '7' as never])
    assert.throws(() => whole(bad), CodecError, String(bad));
  assert.throws(() => copyFields([NaN]), CodecError);
  assert.throws(() => small(2 ** 31), CodecError);
  assert.throws(() => whole(2 ** 60), CodecError);
  assert.throws(() => told(undefined as never), CodecError);
  assert.deepEqual([whole(1.5), small(-3), told('x')], [2, -3, 'x']);
});
