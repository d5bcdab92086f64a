/** The drawing of a connection tells the truth about each half, for every way a connection can end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAULTS } from '../../../../src/core/faults.ts';
import type { FlowDetail } from '../../../../web/contract.ts';
import { legsOf } from '../../../../web/client/detail/legs.ts';
import { exchangeUrl } from '../../../../web/client/detail/url.ts';
import { Maker } from '../fake-data.ts';
import { faultInfo, flowDetail } from '../fake-details.ts';

const day = new Maker().day(Date.UTC(2026, 10, 20), 800);
const detailOf = (test: (flow: (typeof day)[number]) => boolean): FlowDetail => {
  const flow = day.find(test);
  assert.ok(flow !== undefined);
  return flowDetail(flow);
};
const inspected = detailOf(f => f.row.verdict === 'inspect' && f.row.fault === null);

describe('legs', () => {
  it('of an inspected connection both carry TLS', () => {
    const legs = legsOf(inspected);
    assert.deepEqual([legs.client.state, legs.origin.state, legs.us], ['tls', 'tls', null]);
  });

  it('never pass an untrusted page off as the authority’s', () => {
    assert.match(legsOf(inspected).client.words, /of your authority/);
    assert.match(legsOf({ ...inspected, fault: faultInfo('cert-expired') }).client.words, /no client trusts/);
  });

  it('of a passed one carry the same unread bytes', () => {
    const legs = legsOf(detailOf(f => f.row.verdict === 'passthrough' && f.row.fault === null));
    assert.deepEqual([legs.client.state, legs.origin.state], ['raw', 'raw']);
  });

  it('of a blocked one end at Sightglass', () => {
    const legs = legsOf(detailOf(f => f.row.verdict === 'block'));
    assert.deepEqual([legs.origin.state, legs.us], ['none', 'The connection ends here.']);
  });

  it('say of an open connection that nothing is known yet', () => {
    const legs = legsOf({ ...inspected, open: true, clientTls: null, originTls: null });
    assert.match(legs.client.words, /still open/);
  });

  it('break on the side where the catalogue puts the fault, for every fault there is', () => {
    for (const [code, { side, phase }] of Object.entries(FAULTS)) {
      if (code === 'blocked-by-policy') continue;
      const legs = legsOf({ ...inspected, fault: faultInfo(code) });
      const broken =
        legs.client.state === 'broken' ? 'client' : legs.origin.state === 'broken' ? 'origin' : 'us';
      const expected =
        phase === 'dial' || phase === 'origin-tls'
          ? 'origin'
          : ['accept', 'ingress', 'identity', 'hello', 'client-tls'].includes(phase)
            ? 'client'
            : side;
      assert.equal(broken, expected, code);
      if (broken === 'us') assert.equal(legs.us, FAULTS[code as keyof typeof FAULTS].summary);
    }
  });
});

describe('address of an exchange', () => {
  it('leaves out the usual port and brackets IPv6', () => {
    const url = (host: string, port: number, scheme: 'http' | 'https', path: string): string =>
      exchangeUrl({ host, port, scheme, path });
    assert.equal(url('a.example', 443, 'https', '/x?y'), 'https://a.example/x?y');
    assert.equal(url('a.example', 8443, 'https', '/'), 'https://a.example:8443/');
    assert.equal(url('fd00::1', 80, 'http', '/'), 'http://[fd00::1]/');
    assert.equal(url('a.example', 80, 'http', '*'), 'http://a.example/');
  });
});
