/** `streams.yaml`: what is right is read whole, what is wrong is told with its place, and nothing leaves unencrypted by a slip. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseStreams } from '../../../src/control/streams/document.ts';
import { NOON } from '../../audit/sample.ts';
import { config } from './fakes.ts';

const problemsOf = (text: string): string[] => {
  const read = parseStreams(text, NOON);
  return read.ok ? [] : read.problems.map(p => `${p.line}: ${p.message}`);
};

describe('the document of streams', () => {
  it('may be empty', () => {
    for (const text of ['', 'streams:\n', '# nothing yet\n'])
      assert.deepEqual(parseStreams(text, NOON), { ok: true, streams: [] }, text);
  });

  it('is read with its defaults', () => {
    const read = parseStreams('streams:\n  siem:\n    to: syslog-tls\n    target: logs.example.com\n', NOON);
    assert.deepEqual(read.ok && read.streams, [
      config({
        to: 'syslog-tls',
        target: 'logs.example.com',
        from: 'now',
        batch: 500,
        resend: 10_000,
        rotateBytes: 104_857_600,
        keep: 7,
      }),
    ]);
  });

  it('takes every kind with all that belongs to it', () => {
    const read = parseStreams(
      `streams:
  a: {to: splunk-hec, target: "https://splunk.example.com:8088", token-file: /etc/t, index: web, acknowledge: true, format: ecs}
  b: {to: elasticsearch, target: "https://es.example.com:9200", ca: /etc/ca.pem, include: [heads, bodies]}
  c: {to: otlp, target: "https://otel.example.com:4318", certificate: /c, key: /k}
  d: {to: file, target: /var/log/squid.log, format: squid, kinds: [exchanges, flows], rotate-mib: 10, keep: 2}
  e: {to: syslog-tcp, target: "127.0.0.1:514", format: cef, kinds: exchanges, filter: "verdict:block host:.example.com"}
`,
      NOON,
    );
    assert.ok(read.ok, JSON.stringify(read));
    assert.deepEqual(
      read.streams.map(s => [s.name, s.format]),
      [
        ['a', 'ecs'],
        ['b', 'ecs'],
        ['c', 'json'],
        ['d', 'squid'],
        ['e', 'cef'],
      ],
    );
    assert.equal(read.streams[3]?.rotateBytes, 10 * 1024 * 1024);
  });

  for (const [what, text, message] of [
    [
      'a key that is unknown',
      'streams:\n  a:\n    to: file\n    target: /x\n    formt: cef\n',
      /5: unknown key "formt"/,
    ],
    ['no target', 'streams:\n  a:\n    to: file\n', /has no target/],
    [
      'a format the kind cannot carry',
      'streams:\n  a: {to: otlp, target: "https://x/", format: cef}\n',
      /cannot be "cef"/,
    ],
    [
      'plain TCP to elsewhere',
      'streams:\n  a: {to: syslog-tcp, target: "10.0.0.1:514"}\n',
      /encrypted or not at all/,
    ],
    ['http without TLS', 'streams:\n  a: {to: https, target: "http://x/"}\n', /no https URL/],
    [
      'credentials in a URL',
      'streams:\n  a: {to: https, target: "https://u:p@x/"}\n',
      /no https URL without credentials/,
    ],
    [
      'a filter that cannot be read',
      'streams:\n  a: {to: file, target: /x, filter: "statu:200"}\n',
      /the filter cannot be used/,
    ],
    [
      'a filter for rows that have no such field',
      'streams:\n  a: {to: file, target: /x, filter: "status:200"}\n',
      /for flows/,
    ],
    [
      'bodies in syslog',
      'streams:\n  a: {to: syslog-tls, target: x, include: bodies}\n',
      /bodies do not fit/,
    ],
    [
      'half a client certificate',
      'streams:\n  a: {to: https, target: "https://x/", key: /k}\n',
      /belong together/,
    ],
    ['a batch out of range', 'streams:\n  a: {to: file, target: /x, batch: 0}\n', /batch is a whole number/],
    ['a relative path', 'streams:\n  a: {to: file, target: x.log}\n', /absolute path/],
    ['a name with a slash', 'streams:\n  a/b: {to: file, target: /x}\n', /no usable name/],
  ] as const)
    it(`refuses ${what}`, () => {
      const problems = problemsOf(text);
      assert.ok(
        problems.some(p => message.test(p)),
        problems.join('\n') || 'no problem',
      );
    });

  it('never throws, whatever stands in it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map(s => `streams:\n  a: {to: file, target: /x, filter: ${JSON.stringify(s)}}`),
        ),
        text => {
          const read = parseStreams(text, NOON);
          assert.equal(typeof read.ok, 'boolean');
        },
      ),
      { numRuns: 300 },
    );
  });
});
