import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PAC_HERE, pacFor } from '../../src/core/setup-texts.ts';

it('the address stands where it was left open, as a string that cannot break out of the script', () => {
  const text = `var PROXIES = [${PAC_HERE}];`;
  assert.equal(pacFor(text, 'proxy.test:8080'), 'var PROXIES = ["proxy.test:8080"];');
  assert.equal(pacFor(text, '"];$&alert(1)//'), 'var PROXIES = ["\\"];$&alert(1)//"];');
  assert.equal(pacFor('var PROXIES = ["a.test:1"];', 'b.test:2'), 'var PROXIES = ["a.test:1"];');
});
