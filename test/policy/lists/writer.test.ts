import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EXPORTERS } from '../../../src/policy/lists/formats.ts';
import { EXPORT_ACTIONS, head } from '../../../src/policy/lists/writer.ts';
import { writeList } from './helper.ts';

it('the head of a file says what it is, when and from which policy, and what wins', () => {
  const [plain] = EXPORTERS;
  assert.ok(plain);
  const input = {
    action: 'deny' as const,
    name: 'n',
    generated: '2026-11-20T12:00:00Z',
    policy: 'abc',
    entries: [],
    exceptions: [],
    proxy: null,
  };
  assert.deepEqual(head(plain, input, ';'), [
    '; Sightglass list "n" (deny), 0 entries, written for plain',
    '; generated 2026-11-20T12:00:00Z, policy abc',
    `; ${plain.precedence}`,
  ]);
  assert.doesNotMatch(head(plain, { ...input, policy: null }, '#').join(), /policy/);
});

it('every format with comments has that head, and every action is one that some format can say', () => {
  for (const { format } of EXPORTERS) {
    const text = Object.values(writeList(format, ['.a.test']).texts)[0] ?? '';
    if (format !== 'csv' && format !== 'json')
      assert.match(text, /Sightglass list "names" \(deny\), \d+ entries/, format);
  }
  for (const action of EXPORT_ACTIONS) assert.ok(EXPORTERS.some(e => e.actions.includes(action)));
});
