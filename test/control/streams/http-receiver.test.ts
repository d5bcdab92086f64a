/** Receivers over HTTPS against strict fakes: token, busy answers, acknowledgement, single rows that are refused, trust. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { HttpReceiver } from '../../../src/control/streams/http-receiver.ts';
import { checkOtlp } from '../../audit/export/otlp-reader.ts';
import { fedEvent, fedExchange } from '../../audit/export/fed.ts';
import { scratch } from '../../audit/sample.ts';
import { config, SENDER } from './fakes.ts';
import { httpsFake } from './https-fake.ts';
import type { HttpsFake, Said } from './https-fake.ts';
import type { StreamConfig } from '../../../src/control/streams/document.ts';
import type { TestContext } from 'node:test';

const rows = Array.from({ length: 5 }, (_, i) => fedExchange({ n: i + 1, path: `/${i + 1}` }));

function receiver(t: TestContext, fake: HttpsFake, changes: Partial<StreamConfig>): HttpReceiver {
  const dir = scratch(t);
  const tokenFile = path.join(dir, 'token');
  fs.writeFileSync(tokenFile, 'secret-token\n');
  const made = new HttpReceiver(
    config({ target: fake.url, ca: fake.caFile, tokenFile, ...changes }),
    SENDER,
    {
      timeoutMs: 5000,
      ackWaitMs: 5,
    },
  );
  t.after(() => made.reset());
  return made;
}

/** Splunk's events follow each other; ours stand on lines of their own. */
const events = (body: string): { event: { path: string } }[] =>
  body.split('\n').map(line => JSON.parse(line) as { event: { path: string } });

describe('Splunk HEC', () => {
  const splunk = ({ headers }: { headers: Record<string, unknown> }): Said =>
    headers['authorization'] === 'Splunk secret-token'
      ? { status: 200, body: '{"text":"Success","code":0}' }
      : { status: 401, body: '{"text":"Invalid token","code":4}' };

  it('gets its events with the token', async t => {
    const fake = await httpsFake(t, splunk);
    assert.deepEqual(await receiver(t, fake, { to: 'splunk-hec', index: 'web' }).send(rows), {
      refused: 0,
      reason: null,
    });
    assert.equal(fake.asked[0]?.path, '/services/collector/event');
    assert.deepEqual(
      events(fake.asked[0]?.body ?? '').map(e => e.event.path),
      ['/1', '/2', '/3', '/4', '/5'],
    );
  });

  it('is tried again when busy, when the token is wrong, when the index is', async t => {
    const fake = await httpsFake(t, () => ({ status: 503, body: '{"text":"Server is busy","code":9}' }));
    const r = receiver(t, fake, { to: 'splunk-hec' });
    await assert.rejects(r.send(rows), /answers 503.*busy/);
    for (const [status, code] of [
      [429, 9],
      [401, 4],
      [403, 1],
      [400, 7],
      [200, 8],
    ] as const) {
      fake.answer = () => ({ status, body: JSON.stringify({ text: 'no', code }) });
      await assert.rejects(r.send(rows), new RegExp(`answers ${status}`));
    }
  });

  it('loses only the row it calls invalid', async t => {
    const fake = await httpsFake(t, ({ body }) =>
      events(body).some(e => e.event.path === '/3')
        ? { status: 400, body: '{"text":"Invalid data format","code":6}' }
        : { status: 200, body: '{"text":"Success","code":0}' },
    );
    const taken = await receiver(t, fake, { to: 'splunk-hec' }).send(rows);
    assert.equal(taken.refused, 1);
    assert.match(taken.reason ?? '', /Invalid data format/);
  });

  it('is believed only when the indexer acknowledged', async t => {
    let questions = 0;
    const fake = await httpsFake(t, ({ path: at, headers }) => {
      if (headers['x-splunk-request-channel'] === undefined) return { status: 400, body: '{"code":10}' };
      if (at.startsWith('/services/collector/ack?channel='))
        return { status: 200, body: JSON.stringify({ acks: { 7: ++questions > 2 } }) };
      return { status: 200, body: '{"text":"Success","code":0,"ackId":7}' };
    });
    await receiver(t, fake, { to: 'splunk-hec', acknowledge: true }).send(rows);
    assert.equal(questions, 3);
    fake.answer = ({ path: at }) =>
      at.includes('/ack')
        ? { status: 200, body: '{"acks":{"7":false}}' }
        : { status: 200, body: '{"code":0,"ackId":7}' };
    await assert.rejects(
      receiver(t, fake, { to: 'splunk-hec', acknowledge: true }).send(rows),
      /not acknowledged/,
    );
    fake.answer = splunk;
    await assert.rejects(receiver(t, fake, { to: 'splunk-hec', acknowledge: true }).send(rows), /no ackId/);
  });
});

describe('Elasticsearch', () => {
  const item = (status: number) => ({ create: { status, error: { type: 'oops', reason: 'because' } } });
  const items = (...statuses: number[]): Said => ({
    status: 200,
    body: JSON.stringify({ errors: true, items: statuses.map(item) }),
  });

  it('gets pairs of lines, and takes what it has already for taken', async t => {
    const fake = await httpsFake(t, () => items(201, 201, 409, 201, 400));
    const taken = await receiver(t, fake, { to: 'elasticsearch', format: 'ecs' }).send(rows);
    assert.deepEqual([taken.refused, fake.asked[0]?.path], [1, '/logs-sightglass-default/_bulk']);
    assert.equal(fake.asked[0]?.headers['authorization'], 'ApiKey secret-token');
    assert.equal(fake.asked[0]?.body.split('\n').length, 11);
  });

  it('is asked again when it took only a part for now, or says nothing of some', async t => {
    const fake = await httpsFake(t, () => items(201, 429, 201, 201, 201));
    const r = receiver(t, fake, { to: 'elasticsearch', format: 'ecs' });
    await assert.rejects(r.send(rows), /took 4 of 5: 429 oops because/);
    fake.answer = () => items(201);
    await assert.rejects(r.send(rows), /took 1 of 5/);
    fake.answer = () => ({ status: 200, body: 'no JSON' });
    await assert.rejects(r.send(rows), /took 0 of 5/);
  });
});

describe('OTLP', () => {
  it('gets requests of its own JSON mapping, and may refuse some records', async t => {
    const fake = await httpsFake(t, ({ body }) => {
      assert.equal(checkOtlp(body).length, 5);
      return { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}' };
    });
    const r = receiver(t, fake, { to: 'otlp' });
    assert.deepEqual(await r.send(rows), { refused: 2, reason: 'too old' });
    assert.equal(fake.asked[0]?.path, '/v1/logs');
    fake.answer = () => ({ status: 200, body: '{}' });
    assert.equal((await r.send(rows)).refused, 0);
    fake.answer = () => ({ status: 503 });
    await assert.rejects(r.send(rows), /answers 503/);
  });
});

describe('any receiver over HTTPS', () => {
  it('is cut into bodies that receivers take, each row in one of them', async t => {
    const fake = await httpsFake(t, () => ({ status: 204 }));
    const many = Array.from({ length: 60 }, (_, i) =>
      fedExchange({ n: i + 1, path: `/${'x'.repeat(50_000)}` }),
    );
    await receiver(t, fake, {}).send(many);
    assert.ok(fake.asked.length >= 3);
    assert.ok(fake.asked.every(({ body }) => body.length < 1_000_000));
    assert.equal(fake.asked.flatMap(({ body }) => body.trimEnd().split('\n')).length, 60);
  });

  it('that is not the one in the certificate, or that nobody vouches for, gets nothing', async t => {
    const fake = await httpsFake(t, () => ({ status: 200 }));
    await assert.rejects(receiver(t, fake, { ca: null }).send(rows), /certificate|issuer/i);
    const other = await httpsFake(t, () => ({ status: 200 }));
    await assert.rejects(receiver(t, fake, { ca: other.caFile }).send(rows), /certificate|issuer/i);
    assert.equal(fake.asked.length, 0);
  });

  it('is told the token that the file holds now, and never in an error', async t => {
    const fake = await httpsFake(t, () => ({ status: 500, body: 'down' }));
    await assert.rejects(receiver(t, fake, {}).send([fedEvent()]), (error: Error) => {
      assert.doesNotMatch(error.message, /secret-token/);
      return true;
    });
    assert.equal(fake.asked[0]?.headers['authorization'], 'Bearer secret-token');
  });

  it('that follows nothing: a redirect is no success', async t => {
    const fake = await httpsFake(t, () => ({ status: 302 }));
    await assert.rejects(receiver(t, fake, {}).send(rows), /answers 302/);
  });
});
