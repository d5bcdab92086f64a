/** CEF against a strict reader of its own: header of seven parts, known keys only, and every value comes back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cefLine } from '../../../src/audit/export/cef.ts';
import { visible } from '../../../src/audit/export/lines.ts';
import { ACTIVE, fedEvent, fedExchange, fedFlow, nastyFed, SENDER, whole } from './fed.ts';

/** Keys of the extension dictionary that are used. */
const KEYS = new Set(
  (
    'rt dvchost externalId src dst spt dpt dhost suser act start end app request requestMethod requestClientApplication ' +
    'requestContext in out outcome reason msg cn1 cn1Label cn2 cn2Label cs1 cs1Label cs2 cs2Label cs3 cs3Label cs4 cs4Label cs5 ' +
    'cs5Label cs6 cs6Label c6a2 c6a2Label c6a3 c6a3Label flexString1 flexString1Label'
  ).split(' '),
);

/** Reads a line strictly: an escape that the format does not know, a pipe or an equals sign that is not escaped, is an error. */
export function parseCef(line: string): { header: string[]; extension: Map<string, string> } {
  assert.ok(line.startsWith('CEF:0|'), line.slice(0, 20));
  const header: string[] = [];
  let at = 'CEF:0|'.length;
  for (let part = ''; header.length < 6; at++) {
    const char = line.charAt(at);
    assert.notEqual(char, '', 'the header ends early');
    if (char === '\\') {
      const next = line.charAt(++at);
      assert.match(next, /[\\|]/, 'escape in the header');
      part += next;
    } else if (char === '|') {
      header.push(part);
      part = '';
    } else part += char;
  }
  const extension = new Map<string, string>();
  let rest = line.slice(at);
  while (rest !== '') {
    const m = /^([A-Za-z0-9]+)=((?:[^\\=]|\\[\\=nr])*?)(?= [A-Za-z0-9]+=|$)/.exec(rest);
    assert.ok(m !== null, `unreadable: ${rest.slice(0, 80)}`);
    const [all, key = '', value = ''] = m;
    assert.ok(!extension.has(key), `twice: ${key}`);
    extension.set(key, value.replace(/\\(.)/g, '$1'));
    rest = rest.slice(all.length).replace(/^ /, '');
  }
  return { header, extension };
}

describe('CEF', () => {
  it('of an exchange holds what the dictionary has a name for', () => {
    const { header, extension } = parseCef(
      cefLine(
        whole(
          fedExchange({ path: '/a=b|c\\d?q=1', user: 'alice', reqHeaders: 'User-Agent: curl/8 (x=y)\r\n' }),
        ),
        SENDER,
      ),
    );
    assert.deepEqual(header, ['Sightglass', 'Sightglass', '1.2.3', 'exchange.inspect', 'HTTP request', '1']);
    assert.equal(extension.get('request'), 'https://www.example.test/a=b|c\\d?q=1');
    assert.equal(extension.get('requestClientApplication'), 'curl/8 (x=y)');
    assert.equal(extension.get('src'), '10.1.2.3');
    assert.equal(extension.get('suser'), 'alice');
    assert.equal(extension.get('cs1'), 'all-else');
    assert.equal(extension.get('cs1Label'), 'rule');
    assert.equal(extension.get('dst'), undefined);
  });

  it('of a flow has both ends, IPv6 in its own keys', () => {
    const four = parseCef(cefLine(whole(fedFlow()), SENDER)).extension;
    assert.deepEqual([four.get('dst'), four.get('dpt'), four.get('spt')], ['192.0.2.7', '443', '50000']);
    const six = parseCef(cefLine(whole(fedFlow({ client: '2001:db8::1' })), SENDER)).extension;
    assert.deepEqual([six.get('c6a2'), six.get('src')], ['2001:db8::1', undefined]);
  });

  it('of an event names it, and says when something is wrong', () => {
    assert.equal(parseCef(cefLine(whole(fedEvent()), SENDER)).header[3], 'policy.applied');
    assert.equal(parseCef(cefLine(whole(fedEvent({ name: 'spool.gap' })), SENDER)).header[5], '6');
  });

  it('is one readable line, whatever goes in', () => {
    fc.assert(
      fc.property(nastyFed, fed => {
        const line = cefLine(whole(fed), SENDER);
        assert.doesNotMatch(line, ACTIVE);
        const { header, extension } = parseCef(line);
        assert.equal(header.length, 6);
        for (const key of extension.keys()) assert.ok(KEYS.has(key), key);
        const { fed: sent } = whole(fed);
        if (sent.kind === 'event') assert.equal(header[3], visible(sent.row.event));
        else if (sent.row.user !== null && sent.row.user !== '')
          assert.equal(extension.get('suser')?.trimEnd(), visible(sent.row.user).trimEnd());
      }),
      { numRuns: 400 },
    );
  });
});
