/** Telling: signed webhooks that reach nothing inside, mail never without TLS, and streams; every error in words. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { deliver, sentence } from '../../../src/control/alerts/deliver.ts';
import { parseNetwork } from '../../../src/core/network.ts';
import { httpsFake } from '../streams/https-fake.ts';
import { Taker } from '../streams/fakes.ts';
import { HOSTILE, NOON } from '../../audit/sample.ts';
import { notice, smtpFake } from './fakes.ts';
import type { MailServer, Ways } from '../../../src/control/alerts/deliver.ts';

const ways = (changes: Partial<Ways> = {}): Ways => ({
  host: 'proxy1.example.test',
  allow: [parseNetwork('127.0.0.0/8')!],
  ca: [],
  mail: null,
  stream: () => null,
  now: () => NOON,
  timeoutMs: 5000,
  ...changes,
});

describe('a webhook', () => {
  it('is signed so that its receiver can tell who sent it, and when', async t => {
    const fake = await httpsFake(t, () => ({ status: 204 }));
    const url = `${fake.url}/hook`;
    await deliver(
      { to: 'webhook', url },
      notice({ group: 'alice', groupBy: 'user' }),
      'secret',
      ways({ ca: [fs.readFileSync(fake.caFile, 'utf8')] }),
    );
    const [asked] = fake.asked;
    const [, seconds = '', given = ''] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(asked?.headers['x-sightglass-signature'])) ?? [];
    assert.equal(Number(seconds), NOON / 1000);
    assert.equal(
      given,
      createHmac('sha256', 'secret')
        .update(`${seconds}.${asked?.body ?? ''}`)
        .digest('hex'),
    );
    const sent = JSON.parse(asked?.body ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [sent['rule'], sent['group'], sent['count'], sent['proxy'], asked?.path],
      ['many failures', 'alice', 3, 'proxy1.example.test', '/hook'],
    );
    assert.doesNotMatch(asked?.body ?? '', /secret/);
  });

  it('reaches no address inside, by number or by name, and follows no redirect', async t => {
    const fake = await httpsFake(t, () => ({ status: 302 }));
    const ca = [fs.readFileSync(fake.caFile, 'utf8')];
    const { port } = new URL(fake.url);
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
      '0.0.0.0',
    ])
      await assert.rejects(
        deliver({ to: 'webhook', url: `https://${host}:${port}/` }, notice(), 's', ways({ ca, allow: [] })),
        /is a (?:loopback|metadata|link-local|unspecified) address/,
        host,
      );
    assert.equal(fake.asked.length, 0);
    await assert.rejects(
      deliver({ to: 'webhook', url: fake.url }, notice(), 's', ways({ ca })),
      /answers 302/,
    );
    await assert.rejects(deliver({ to: 'webhook', url: fake.url }, notice(), 's', ways()), /certificate/);
  });
});

describe('a mail', () => {
  const server = (port: number, more: Partial<MailServer> = {}): MailServer => ({
    ...{ host: 'localhost', port, security: 'starttls', from: 'sightglass@example.com', credentials: null },
    ...more,
  });

  for (const implicit of [true, false])
    it(`is sent over ${implicit ? 'TLS from the first byte' : 'STARTTLS'}, with credentials, and holds nothing that acts`, async t => {
      const fake = await smtpFake(t, { implicit, user: 'user' });
      const mail = server(fake.port, {
        security: implicit ? 'tls' : 'starttls',
        credentials: { user: 'user', pass: 'pass' },
      });
      const hostile = notice({
        rule: 'evil\r\nBcc: all@example.com',
        group: HOSTILE.join(''),
        groupBy: 'host',
      });
      await deliver(
        { to: 'mail', address: 'soc@example.com' },
        hostile,
        's',
        ways({ mail, ca: [fake.caPem] }),
      );
      assert.equal(fake.mails.length, 1);
      const [head = ''] = (fake.mails[0] ?? '').split('\n\n');
      assert.match(head, /^To: soc@example\.com$/m);
      assert.match(head, /^Subject: \[Sightglass proxy1\.example\.test\] evil/m);
      assert.doesNotMatch(head, /^Bcc:/m);
      assert.ok(fake.commands.includes('RCPT TO:<soc@example.com>'));
      assert.ok(
        fake.inClear.every(line => /^(?:EHLO|STARTTLS)/.test(line)),
        fake.inClear.join(),
      );
    });

  it('is not sent where there is no TLS, nobody vouches, or the password is wrong', async t => {
    const clear = await smtpFake(t, { implicit: false, starttls: false });
    await assert.rejects(
      deliver(
        { to: 'mail', address: 'a@b.c' },
        notice(),
        's',
        ways({ mail: server(clear.port), ca: [clear.caPem] }),
      ),
      /TLS/i,
    );
    const fake = await smtpFake(t, { implicit: false, user: 'user' });
    await assert.rejects(
      deliver({ to: 'mail', address: 'a@b.c' }, notice(), 's', ways({ mail: server(fake.port) })),
      /certificate|issuer/i,
    );
    const mail = server(fake.port, { credentials: { user: 'user', pass: 'wrong' } });
    await assert.rejects(
      deliver({ to: 'mail', address: 'a@b.c' }, notice(), 's', ways({ mail, ca: [fake.caPem] })),
      /535/,
    );
    assert.deepEqual([...clear.mails, ...fake.mails], []);
    await assert.rejects(
      deliver({ to: 'mail', address: 'a@b.c' }, notice(), 's', ways()),
      /no mail server is set/,
    );
  });
});

describe('by the way of a stream', () => {
  it('an alert is an event', async () => {
    const taker = new Taker();
    await deliver(
      { to: 'stream', stream: 'siem' },
      notice(),
      's',
      ways({ stream: name => (name === 'siem' ? taker : null) }),
    );
    const [fed] = taker.batches.flat();
    assert.ok(
      fed?.kind === 'event' && fed.row.event === 'alert.fired' && fed.row.detail['rule'] === 'many failures',
    );
    assert.equal(taker.resets, 1);
    await assert.rejects(deliver({ to: 'stream', stream: 'x' }, notice(), 's', ways()), /no stream "x"/);
  });
});

it('the sentence of a notice is one line', () => {
  for (const group of HOSTILE)
    assert.doesNotMatch(sentence(notice({ rule: group, group, groupBy: 'host' })), /[\r\n\u001b\u2028]/);
});
