import assert from 'node:assert/strict';
import { it } from 'node:test';
import { printable, table } from '../../../src/cli/lists/common.ts';

it('text of foreign lists cannot steer a terminal or turn its direction, and stays short', () => {
  assert.equal(printable('a\u001b[31m\u0007\u202eb\u009b'), 'a\ufffd[31m\ufffd\ufffdb\ufffd');
  assert.equal(printable('x'.repeat(500)).length, 120);
});

it('formats stand in columns', () => {
  assert.equal(
    table([
      { format: 'a', about: 'x' },
      { format: 'bb', about: 'y' },
    ]),
    '  a           x\n  bb          y',
  );
});
