/** Answers of our own: a step of the dialogue or an explaining end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../../src/core/faults.ts';
import type { LiveExchange } from '../../../src/proxy/relay/exchange.ts';
import { ownAnswer } from '../../../src/proxy/relay/own-answer.ts';
import { INSPECT } from '../harness.ts';

const exchange = (method = 'GET'): LiveExchange =>
  ({
    scheme: 'https',
    host: 'a.test',
    path: '/x?q=<b>',
    head: { method },
    verdict: { ...INSPECT, action: 'block', rule: 'no-<i>', reason: 'Not "for" work' },
  }) as unknown as LiveExchange;

describe('own answer', () => {
  test('a challenge that keeps the connection has no body and carries its field', () => {
    const text = ownAnswer(
      exchange(),
      new Fault('auth-required'),
      1,
      true,
      'Proxy-Authenticate: Basic\r\n',
    ).toString();
    assert.equal(
      text,
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('a block names rule and reason, escaped', () => {
    const text = ownAnswer(exchange(), new Fault('blocked-by-policy'), 1, false).toString();
    assert.match(text, /^HTTP\/1\.1 403 [\s\S]*Connection: close\r\n\r\n<!doctype html>/);
    for (const part of ['no-&lt;i&gt;', 'Not &quot;for&quot; work', 'https://a.test/x?q=&lt;b&gt;'])
      assert.ok(text.includes(part), part);
  });

  test('any other fault does not blame a rule', () => {
    const text = ownAnswer(exchange(), new Fault('origin-refused'), 1, false).toString();
    assert.match(text, /^HTTP\/1\.1 502 /);
    assert.doesNotMatch(text, /no-&lt;|Not &quot;/);
  });

  test('HEAD gets no body', () => {
    const text = ownAnswer(exchange('HEAD'), new Fault('origin-refused'), 1, false).toString();
    assert.ok(text.endsWith('\r\n\r\n'));
    assert.match(text, /Content-Length: [1-9]/);
  });
});
