import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyAddress } from '../../../../web/client/detail/why.ts';

test('the explanation is asked about the record, with the form filled in as far as anything is known', () => {
  const row = {
    sni: 'www.test',
    host: 'www.test',
    port: 443,
    client: '10.0.0.1',
    user: null,
    time: '2026-11-20T12:00:00.000Z',
  };
  const url = new URL(whyAddress('1a-3.2', row), 'http://console.test');
  assert.deepEqual(
    [...url.searchParams],
    [
      ['tab', 'try'],
      ['record', '1a-3.2'],
      ['sni', 'www.test'],
      ['host', 'www.test'],
      ['port', '443'],
      ['client', '10.0.0.1'],
      ['at', '2026-11-20T12:00:00.000Z'],
    ],
  );
  const hostile = whyAddress('1a-3', { ...row, sni: 'a&record=x#', host: null, port: null, user: 'ü/?' });
  assert.equal(new URL(hostile, 'http://console.test').searchParams.getAll('record').length, 1);
});
