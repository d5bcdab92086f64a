import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAULTS, Fault, isFaultCode } from '../../src/core/faults.ts';

describe('the fault catalogue', () => {
  it('says of each fault in whole sentences what happened and what to do', () => {
    for (const [code, entry] of Object.entries(FAULTS)) {
      assert.match(code, /^[a-z]+(-[a-z]+)*$/);
      assert.match(entry.summary, /^[A-Z].*\.$/, code);
      assert.match(entry.hint, /\S.*[.?]$/, code);
    }
  });

  it('gives each a status that a page can carry and that fits its side', () => {
    for (const [code, { status, side }] of Object.entries(FAULTS)) {
      assert.ok(status >= 400 && status <= 599, code);
      if (side === 'origin') assert.ok(status === 502 || status === 504, code);
    }
  });

  it('knows its codes and nothing that every object has', () => {
    assert.equal(isFaultCode('dns-failed'), true);
    assert.equal(isFaultCode('toString'), false);
    assert.equal(isFaultCode(''), false);
  });
});

describe('a fault', () => {
  it('carries code, entry, detail and cause', () => {
    const cause = new Error('ENOTFOUND');
    const fault = new Fault('dns-failed', 'ENOTFOUND a.test', { cause });
    assert.equal(fault.code, 'dns-failed');
    assert.equal(fault.entry, FAULTS['dns-failed']);
    assert.equal(fault.cause, cause);
    assert.equal(fault.message, 'The origin name could not be resolved. (ENOTFOUND a.test)');
    assert.equal(new Fault('dns-failed').detail, null);
  });
});
