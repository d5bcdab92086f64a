/** The two parts of a flow's detail make the very text they were taken from; flows of one kind share their frame. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  detailOf,
  detailText,
  joinDetail,
  joinedText,
  splitDetail,
} from '../../../src/audit/store/flow-detail.ts';
import { flow, flowId, HOSTILE } from '../sample.ts';
import type { FlowRecord } from '../../../src/core/records.ts';

const both = (r: FlowRecord) => {
  const detail = detailOf(r);
  const { frame, own } = splitDetail(detail);
  return { text: detailText(detail), frame: JSON.stringify(frame), own };
};

describe('the detail of a flow', () => {
  const facts = flow().facts;
  const records: FlowRecord[] = [
    flow(),
    flow({ facts: null, verdict: null }),
    ...HOSTILE.map(text => flow({ faultDetail: text, leafSerial: text, originAddress: text })),
    ...(facts === null ? [] : HOSTILE.map(text => flow({ facts: { ...facts, host: text, user: text } }))),
    // What a worker of another version may leave in the spool.
    flow({ facts: JSON.parse('{"host":null,"user":0,"__proto__":{"a":1},"7":1}') as FlowRecord['facts'] }),
  ];

  it('comes back to the letter', () => {
    for (const record of records) {
      const { text, frame, own } = both(record);
      assert.equal(joinedText(frame, own), text);
      assert.deepEqual(joinDetail(JSON.parse(frame), own), JSON.parse(text));
    }
  });

  it('shares its frame with flows of other clients and hosts', () => {
    const other = flow({ flow: flowId(1, 9), clientPort: 7, leafSerial: 'ff', originAddress: null });
    const changed = {
      ...other,
      facts: other.facts === null ? null : { ...other.facts, host: 'other.example', user: 'x' },
    };
    assert.equal(both(changed).frame, both(flow()).frame);
  });

  it('of version 1 is whole', () => {
    const { text } = both(flow());
    assert.equal(joinedText(null, text), text);
    assert.deepEqual(joinDetail(null, text), JSON.parse(text));
  });

  it('that somebody broke is no error, and not the same', () => {
    const { text, frame, own } = both(flow());
    for (const [f, o] of [[frame, `${own}!`] as const, [`${frame}!`, own] as const])
      assert.notEqual(joinedText(f, o), text);
  });
});
