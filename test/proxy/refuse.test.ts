/** Pages and alerts that say no: honest, complete, and inert whatever stands in them (requirement W6). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/core/faults.ts';
import { ALERTS, alertRecord, escapeHtml, reasonPhrase, refusalResponse } from '../../src/proxy/refuse.ts';

const PAYLOADS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></style><svg/onload=alert(1)>',
  'a\u202egpj.exe',
  'nul\u0000 bell\u0007 esc\u001b[31m',
  'line\r\nX-Injected: 1\r\n\r\nbody',
];

function answer(text: string, head = false): { head: string; body: string } {
  const bytes = refusalResponse(
    {
      fault: new Fault('blocked-by-policy', text),
      target: `https://${text}/${text}`,
      flow: 134217729,
      rule: text,
      reason: text,
    },
    { head },
  ).toString('utf8');
  const end = bytes.indexOf('\r\n\r\n');
  return { head: bytes.slice(0, end), body: bytes.slice(end + 4) };
}

describe('refuse', () => {
  for (const payload of PAYLOADS)
    test(`text from outside stays text: ${JSON.stringify(payload)}`, () => {
      const { head, body } = answer(payload);
      assert.doesNotMatch(head, /Injected|alert/);
      // The only tags are those of the page itself.
      const tags = new Set([...body.matchAll(/<\/?([a-z0-9!]+)/gi)].map(m => m[1]?.toLowerCase()));
      for (const tag of ['script', 'img', 'svg']) assert.ok(!tags.has(tag), tag);
      const plain = answer('plain');
      assert.equal((body.match(/</g) ?? []).length, (plain.body.match(/</g) ?? []).length);
      assert.doesNotMatch(body, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202e]/);
      const shown = body.slice(body.indexOf('<dl>'));
      assert.doesNotMatch(shown.replace(/<\/?(?:dl|dt|dd|main|body|html)>/g, ''), /[<>"']/);
    });

  test('allows no script, says its length, names the fault and closes', () => {
    const { head, body } = answer('x');
    assert.match(head, /^HTTP\/1\.1 403 Forbidden\r\n/);
    assert.match(head, /Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'/);
    assert.match(head, /X-Content-Type-Options: nosniff/);
    assert.match(head, /Cache-Control: no-store/);
    assert.match(head, /X-Sightglass-Fault: blocked-by-policy/);
    assert.match(head, /Connection: close/);
    assert.match(head, new RegExp(`Content-Length: ${Buffer.byteLength(body)}(\r|$)`));
  });

  test('HEAD gets the same head and no body', () => {
    assert.equal(answer('x', true).body, '');
    assert.equal(answer('x', true).head, answer('x').head);
  });

  test('every page tells what happened, what to do, whose side it is on and the connection to quote', () => {
    for (const [code, side] of [
      ['cert-expired', 'website'],
      ['origin-refused', 'website'],
      ['request-malformed', 'device or program'],
      ['audit-unavailable', 'proxy or its policy'],
    ] as const) {
      const fault = new Fault(code, 'the detail');
      const page = refusalResponse({
        fault,
        target: 'https://a.test/',
        flow: 134217729,
        rule: null,
        reason: null,
      }).toString();
      for (const text of [
        code,
        'the detail',
        side,
        '1-1',
        'https://a.test/',
        escapeHtml(fault.entry.summary),
        escapeHtml(fault.entry.hint),
      ])
        assert.ok(page.includes(text), `${code}: ${text}`);
      assert.ok(page.startsWith(`HTTP/1.1 ${fault.entry.status} ${reasonPhrase(fault.entry.status)}\r\n`));
    }
  });

  test('every status of the fault catalogue has a reason phrase', async () => {
    const { FAULTS } = await import('../../src/core/faults.ts');
    for (const [code, entry] of Object.entries(FAULTS))
      assert.notEqual(reasonPhrase(entry.status), 'Error', code);
  });

  test('an alert is one fatal plaintext record (RFC 8446 §5.1, §6)', () => {
    assert.deepEqual([...alertRecord(ALERTS.accessDenied)], [0x15, 3, 3, 0, 2, 2, 49]);
  });

  test('escapes for elements and quoted attributes alike', () => {
    assert.equal(
      escapeHtml(`<a href="x" title='y'>&amp;`),
      '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;',
    );
  });
});
