/** Names to addresses: asked once, kept a while, bounded, and honest about failure. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createResolver, type ResolvedAddress } from '../../src/proxy/resolve.ts';
import { until } from './harness.ts';

const ONE: ResolvedAddress[] = [{ address: '192.0.2.1', family: 4 }];

/** A resolver's system that counts and answers when told. */
function scripted(): {
  asked: string[];
  system: (name: string) => Promise<ResolvedAddress[]>;
  answer: (addresses: ResolvedAddress[] | Error) => void;
} {
  const asked: string[] = [];
  const waiting: ((addresses: ResolvedAddress[] | Error) => void)[] = [];
  return {
    asked,
    system: name => {
      asked.push(name);
      return new Promise((resolve, reject) => {
        waiting.push(a => {
          if (a instanceof Error) reject(a);
          else resolve(a);
        });
      });
    },
    answer: addresses => {
      for (const settle of waiting.splice(0)) settle(addresses);
    },
  };
}

const codeOf = (code: string) => (e: Error & { code?: string }) => e.code === code;

describe('resolve', () => {
  test('a burst for one name asks the system once, and later calls not at all', async () => {
    const { asked, system, answer } = scripted();
    const resolve = createResolver({ system });
    const burst = Array.from({ length: 50 }, () => resolve('a.test'));
    answer(ONE);
    for (const got of await Promise.all(burst)) assert.deepEqual(got, ONE);
    assert.deepEqual(await resolve('a.test'), ONE);
    assert.deepEqual(asked, ['a.test']);
  });

  test('different names do not share an answer', async () => {
    const resolve = createResolver({
      system: name =>
        Promise.resolve([{ address: name === 'a.test' ? '192.0.2.1' : '192.0.2.2', family: 4 }]),
    });
    const [a, b] = await Promise.all([resolve('a.test'), resolve('b.test')]);
    assert.deepEqual([a[0]?.address, b[0]?.address], ['192.0.2.1', '192.0.2.2']);
  });

  test('an answer expires and the system is asked again', async () => {
    let asked = 0;
    const resolve = createResolver({ ttl: 5, system: () => Promise.resolve((asked++, ONE)) });
    await resolve('a.test');
    for (let i = 0; i < 200 && asked < 2; i++) {
      await new Promise(r => setTimeout(r, 5));
      await resolve('a.test');
    }
    assert.equal(asked, 2);
  });

  test('a failure is one fault for all who wait, is kept for a moment, and then tried again', async () => {
    const { asked, system, answer } = scripted();
    const resolve = createResolver({ system });
    const burst = [resolve('a.test'), resolve('a.test')];
    answer(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    for (const one of burst)
      await assert.rejects(one, (e: Error & { code: string; detail: string }) => {
        assert.equal(e.code, 'dns-failed');
        assert.equal(e.detail, 'ENOTFOUND');
        return true;
      });
    await assert.rejects(resolve('a.test'), codeOf('dns-failed'));
    assert.equal(asked.length, 1);
  });

  test('a resolver that never answers is a time-out, not a wait', async () => {
    const { system, answer } = scripted();
    const resolve = createResolver({ system, timeout: 20 });
    await assert.rejects(resolve('slow.test'), codeOf('dns-timeout'));
    // The late answer of the lost race is dropped: the failure stays for its moment.
    answer(ONE);
    await assert.rejects(resolve('slow.test'), codeOf('dns-timeout'));
  });

  test('static names never reach the system', async () => {
    const { asked, system } = scripted();
    const resolve = createResolver({ system, statics: new Map([['fixed.test', ONE]]) });
    assert.deepEqual(await resolve('fixed.test'), ONE);
    assert.deepEqual(asked, []);
  });

  test('at most 10,000 names are kept; the least recently used goes first', async () => {
    let asked: string[] = [];
    const resolve = createResolver({ system: name => Promise.resolve((asked.push(name), ONE)) });
    for (let i = 0; i <= 10_000; i++) await resolve(`n${i}.test`);
    asked = [];
    await resolve('n1.test');
    await resolve('n0.test');
    assert.deepEqual(asked, ['n0.test']);
  });

  test('the system resolver knows this host', async () => {
    const resolve = createResolver();
    const addresses = await resolve('localhost');
    assert.ok(addresses.some(a => a.address === '127.0.0.1' || a.address === '::1'));
    await until('the second answer from the cache', () => resolve('localhost'));
  });
});
