/** Basic proxy credentials: what is read as one, what is asked of the authority of users, what is remembered. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CredentialCheck } from '../../src/core/ports.ts';
import { basicPair, Identifier } from '../../src/proxy/identity.ts';
import type { Field } from '../../src/wire/http1/index.ts';

const basic = (text: string, encoding: BufferEncoding = 'utf8'): string =>
  `Basic ${Buffer.from(text, encoding).toString('base64')}`;
const fields = (...values: string[]): Field[] =>
  values.map(value => ({ name: 'proxy-authorization', rawName: 'Proxy-Authorization', value }));
const codeOf = (code: string) => (e: Error & { code?: string }) => e.code === code;

type Answer = Awaited<ReturnType<CredentialCheck['verify']>>;
function check(...answers: Answer[]): CredentialCheck & { asked: string[] } {
  const asked: string[] = [];
  return {
    required: true,
    asked,
    verify: (user, password) => {
      asked.push(`${user}/${password}`);
      return Promise.resolve(answers.shift() ?? { outcome: 'ok', groups: ['staff'] });
    },
  };
}

describe('basicPair', () => {
  const good: [string, string, string][] = [
    [basic('ada:secret'), 'ada', 'secret'],
    ['basic ' + Buffer.from('ada:x').toString('base64'), 'ada', 'x'],
    ['BASIC  ' + Buffer.from('ada:').toString('base64'), 'ada', ''],
    [basic('ada:with:colons:'), 'ada', 'with:colons:'],
    [basic('jürgen:pässwörd'), 'jürgen', 'pässwörd'],
    [basic('EXAMPLE\\ada:x'), 'EXAMPLE\\ada', 'x'],
  ];
  for (const [value, user, password] of good)
    test(`${JSON.stringify(value)} is ${user}`, () => {
      assert.deepEqual(basicPair(value), { user, password });
    });
  const bad: [string, string][] = [
    ['nothing', ''],
    ['no credentials', 'Basic'],
    ['another scheme', 'Bearer abc'],
    ['two in one field', `${basic('a:b')}, ${basic('c:d')}`],
    ['no base64', 'Basic a:b'],
    ['no colon', basic('adasecret')],
    ['no user', basic(':secret')],
    ['a control in the user', basic('a\nb:c')],
    ['a NUL in the password', basic('a:b\0c')],
    ['Latin-1, though the challenge says UTF-8', basic('jürgen:x', 'latin1')],
  ];
  for (const [what, value] of bad)
    test(`refuses ${what}`, () => {
      assert.equal(basicPair(value), null);
    });
});

describe('Identifier', () => {
  test('asks nobody when no credentials are required', async () => {
    const who = await new Identifier({ ...check(), required: false }, 'r').identify(
      fields(basic('a:b')),
      '10.0.0.1',
    );
    assert.deepEqual(who, { user: null, groups: [] });
  });

  test('a good answer is remembered, for this password only', async () => {
    const port = check();
    const identifier = new Identifier(port, 'r');
    for (let i = 0; i < 3; i++)
      assert.deepEqual(await identifier.identify(fields(basic('ada:one')), '10.0.0.1'), {
        user: 'ada',
        groups: ['staff'],
      });
    await identifier.identify(fields(basic('ada:two')), '10.0.0.1');
    assert.deepEqual(port.asked, ['ada/one', 'ada/two']);
  });

  test('user and password cannot be shifted against each other in what is remembered', async () => {
    const port = check({ outcome: 'ok', groups: [] }, { outcome: 'refused' });
    const identifier = new Identifier(port, 'r');
    await identifier.identify(fields(basic('ab:c')), '10.0.0.1');
    await assert.rejects(identifier.identify(fields(basic('a:bc')), '10.0.0.1'), codeOf('auth-refused'));
  });

  test('refusals and outages are not remembered', async () => {
    const port = check({ outcome: 'refused' }, { outcome: 'unavailable' }, { outcome: 'ok', groups: [] });
    const identifier = new Identifier(port, 'r');
    await assert.rejects(identifier.identify(fields(basic('ada:x')), '10.0.0.1'), codeOf('auth-refused'));
    await assert.rejects(identifier.identify(fields(basic('ada:x')), '10.0.0.1'), codeOf('auth-unavailable'));
    assert.equal((await identifier.identify(fields(basic('ada:x')), '10.0.0.1')).user, 'ada');
  });

  test('no field is a challenge; several, or another scheme, are a refusal without a question', async () => {
    const port = check();
    const identifier = new Identifier(port, 'r');
    await assert.rejects(identifier.identify([], '10.0.0.1'), codeOf('auth-required'));
    await assert.rejects(
      identifier.identify(fields(basic('a:b'), basic('a:b')), '10.0.0.1'),
      codeOf('auth-refused'),
    );
    await assert.rejects(identifier.identify(fields('Negotiate abc'), '10.0.0.1'), codeOf('auth-refused'));
    assert.deepEqual(port.asked, []);
  });

  test('the challenge quotes the realm and names the charset', () => {
    assert.equal(
      new Identifier(check(), 'The "old" \\ proxy').challenge,
      'Proxy-Authenticate: Basic realm="The \\"old\\" \\\\ proxy", charset="UTF-8"\r\n',
    );
  });
});
