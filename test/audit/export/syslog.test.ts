/** RFC 5424 against a strict reader of its own; a message is bounded and one line whatever it holds; frames can be cut anywhere. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { framed, MESSAGE_MAX, SYSLOG_PAYLOADS, syslogMessage } from '../../../src/audit/export/syslog.ts';
import { ACTIVE, fedEvent, fedExchange, nastyFed, SENDER } from './fed.ts';
import { parseFrames, parseMessage } from './syslog-reader.ts';
import type { SyslogPayload } from '../../../src/audit/export/syslog.ts';

const options = (payload: SyslogPayload) => ({
  payload,
  facility: 13,
  pid: 77,
  include: { heads: false, bodies: false },
});

describe('syslog', () => {
  it('has the header of RFC 5424', () => {
    const message = parseMessage(
      syslogMessage(fedExchange({ fault: 'response-timeout' }), SENDER, options('json')),
    );
    assert.deepEqual(
      { ...message, msg: null },
      {
        facility: 13,
        severity: 4,
        time: '2026-11-20T12:00:00.000Z',
        host: 'proxy1.example.test',
        app: 'sightglass',
        pid: '77',
        msgid: 'exchange',
        data: '[origin software="Sightglass" swVersion="1.2.3"]',
        msg: null,
      },
    );
    assert.equal((JSON.parse(message.msg) as { host: string }).host, 'www.example.test');
  });

  it('carries CEF where its readers look for it', () => {
    assert.match(parseMessage(syslogMessage(fedEvent(), SENDER, options('cef'))).msg, /^CEF:0\|/);
  });

  it('says that a record was cut to fit', () => {
    const text = syslogMessage(fedExchange({ path: `/${'x'.repeat(100_000)}` }), SENDER, options('json'));
    assert.ok(Buffer.byteLength(text) <= MESSAGE_MAX);
    const { path, truncated } = JSON.parse(parseMessage(text).msg) as { path: string; truncated: string[] };
    assert.match(path, /…\[\+\d+\]$/);
    assert.deepEqual(truncated, ['path']);
  });

  it('is one bounded line that reads back, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fc.constantFrom(...SYSLOG_PAYLOADS), (fed, payload) => {
        const text = syslogMessage(fed, SENDER, options(payload));
        assert.ok(Buffer.byteLength(text) <= MESSAGE_MAX, `${payload} ${Buffer.byteLength(text)}`);
        assert.doesNotMatch(text, ACTIVE);
        const { msg } = parseMessage(text);
        if (payload === 'cef') assert.match(msg, /^CEF:0\|/);
        else assert.equal(typeof JSON.parse(msg), 'object');
        const frame = framed(text);
        assert.equal(frame.toString().replace(/^\d+ /, ''), text);
      }),
      { numRuns: 500 },
    );
  });

  it('frames follow each other without anything between, and read the same however they arrive', () => {
    const texts = [fedExchange(), fedEvent(), fedExchange({ path: '/\u00e9\u{1f600}' })].map(fed =>
      syslogMessage(fed, SENDER, options('cef')),
    );
    const stream = Buffer.concat(texts.map(framed));
    assert.deepEqual(parseFrames(stream).messages, texts);
    for (let cut = 0; cut < stream.length; cut += 7) {
      const first = parseFrames(stream.subarray(0, cut));
      const rest = parseFrames(Buffer.concat([first.rest, stream.subarray(cut)]));
      assert.deepEqual([...first.messages, ...rest.messages], texts);
    }
  });
});
