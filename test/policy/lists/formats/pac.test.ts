import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { writeList } from '../helper.ts';
import type { WriteOptions } from '../helper.ts';

/** The answer of the file for a host, run as the program it is. */
function ask(patterns: string[], options: WriteOptions, host: string): string {
  const text = Object.values(writeList('pac', patterns, options).texts)[0] ?? '';
  return String(runInNewContext(`${text}\nFindProxyForURL('https://x/', ${JSON.stringify(host)})`));
}

describe('pac', () => {
  const patterns = ['a.test', '.b.test', '*.c.test'];
  const options: WriteOptions = {
    action: 'passthrough',
    proxy: 'proxy.corp:8080',
    exceptions: ['.ok.b.test'],
  };
  const cases: [host: string, listed: boolean][] = [
    ['a.test', true],
    ['www.a.test', false],
    ['b.test', true],
    ['x.y.b.test', true],
    ['notb.test', false],
    ['c.test', false],
    ['www.c.test', true],
    ['ok.b.test', false],
    ['x.ok.b.test', false],
    ['B.TEST', true],
    ['b.test.', true],
    ['constructor', false],
    ['__proto__', false],
    ['x.hasOwnProperty', false],
    ['', false],
  ];
  for (const [host, listed] of cases)
    it(`${host}: ${listed ? 'listed' : 'not listed'}`, () => {
      assert.equal(ask(patterns, options, host), listed ? 'DIRECT' : 'PROXY proxy.corp:8080');
    });

  it('a denied name goes nowhere', () => {
    assert.equal(ask(['.a.test'], { proxy: 'p:1' }, 'www.a.test'), 'PROXY 127.0.0.1:9');
    assert.equal(ask(['.a.test'], {}, 'b.test'), 'PROXY proxy.invalid:8080');
  });

  it('is written in JavaScript that old interpreters read', () => {
    const text = Object.values(writeList('pac', patterns, options).texts)[0] ?? '';
    assert.doesNotMatch(text, /\b(?:let|const|of)\b|=>|`|,\s*\}/);
  });
});
