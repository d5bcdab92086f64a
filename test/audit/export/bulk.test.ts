/** `_bulk`: pairs of lines, ids that make a second sending harmless, and the receiver's answer read item by item. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bulkLines, bulkOutcome } from '../../../src/audit/export/bulk.ts';
import { fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';
import type { FedRow } from '../../../src/audit/store/store.ts';

const BARE = { heads: false, bodies: false };
const idOf = (fed: FedRow): string => {
  const [action = ''] = bulkLines(whole(fed), SENDER, BARE).split('\n');
  return (JSON.parse(action) as { create: { _id: string } }).create._id;
};

describe('bulk', () => {
  it('gives a record the same id each time, and another to another record', () => {
    const records = [fedExchange(), fedExchange({ n: 2 }), fedFlow(), fedEvent(), fedEvent({ detail: {} })];
    const ids = records.map(idOf);
    assert.deepEqual(records.map(idOf), ids);
    assert.equal(new Set(ids).size, records.length);
  });

  it('is two lines, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const lines = bulkLines(whole(fed), SENDER, BARE).split('\n');
        assert.equal(lines.length, 3);
        for (const line of lines.slice(0, 2)) JSON.parse(line);
        assert.ok(Buffer.byteLength(idOf(fed)) <= 512);
      }),
      { numRuns: 200 },
    );
  });

  it('tells taken, refused and to be tried again apart', () => {
    const items = [
      { create: { status: 201 } },
      { create: { status: 409 } },
      { create: { status: 400, error: { type: 'mapper_parsing_exception', reason: 'no date' } } },
      { create: { status: 429 } },
      { create: { status: 503 } },
      {},
    ];
    const outcome = bulkOutcome({
      errors: true,
      items: items.map(item => ('create' in item ? item : { create: {} })),
    });
    assert.deepEqual(outcome, {
      taken: 2,
      refused: 1,
      retry: 3,
      reason: '400 mapper_parsing_exception no date',
    });
    assert.deepEqual(bulkOutcome('nonsense'), { taken: 0, refused: 0, retry: 0, reason: null });
  });
});
