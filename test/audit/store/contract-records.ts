/**
 * What every driver of AuditStore must do, asked of one driver at a time: contract-sqlite.test.ts and contract-postgres.test.ts
 * run it. The judge of searches is the naive search over the same records (query/evaluate.ts).
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseQuery } from '../../../src/audit/query/parse.ts';
import { exchangeIdText, flowIdText } from '../../../src/core/records.ts';
import { DAY, exchange, flow, flowId, flowOpen, HOSTILE, NOON, query } from '../sample.ts';
import type { FlowRecord } from '../../../src/core/records.ts';
import type { Kind } from '../../../src/audit/query/ast.ts';
import type { Page } from '../../../src/audit/store/store.ts';
import type { Driver } from './drivers.ts';

import { maskBody } from '../../../src/capture/mask/body.ts';
import { Masker } from '../../../src/capture/mask/masker.ts';
import { STANDARD_PROFILE } from '../../../src/core/masking.ts';
import { coded } from '../random-body.ts';
import { kept } from './contract-data.ts';

export function recordsContract(name: string, make: () => Promise<Driver>): void {
  describe(`${name}: records`, () => {
    let driver: Driver;
    before(async () => {
      driver = await make();
    });
    after(() => driver.close());
    const settled = async () => {
      await driver.drain();
    };

    it('come back whole: exchange, headers, bodies; equal bodies are kept once', async () => {
      const spool = driver.spool(1);
      const text = Buffer.from('a body that is long enough to be deflated '.repeat(20));
      const facts = (data: Buffer) => ({
        size: data.length + 5,
        kept: data.length,
        sha256: createHash('sha256').update(data).digest('hex'),
        truncated: true,
      });
      spool.append(flowOpen({ flow: flowId(1, 1) }));
      for (let n = 1; n <= 2; n++) {
        spool.append({ kind: 'body', flow: flowId(1, 1), n, side: 'req', data: Buffer.from([0, 255, n]) });
        spool.append({ kind: 'body', flow: flowId(1, 1), n, side: 'res', data: text });
        const record = exchange({
          flow: flowId(1, 1),
          n,
          user: 'alice',
          faultDetail: 'so and so',
          fault: 'response-timeout',
          upgraded: n === 2,
          reqHeaders: `Host: a\r\nReferer: https://x/${n}\r\nCookie: [masked]\r\n\u0001odd: line\r\nNo colon\r\nDate: now\r\n`,
          resHeaders: 'Content-Type: text/plain; charset=utf-8\r\nContent-Encoding: gzip\r\nETag: "x"\r\n',
          req: facts(Buffer.from([0, 255, n])),
          res: facts(text),
        });
        spool.append(record);
        spool.flush();
        await settled();
        const id = driver.id(exchangeIdText(flowId(1, 1), n));
        const found = await driver.store.exchange(id);
        assert.ok(found !== null);
        for (const key of [
          'n',
          'ms',
          'wait',
          'client',
          'user',
          'method',
          'host',
          'port',
          'path',
          'status',
          'protocol',
        ] as const)
          assert.equal(found[key], record[key], key);
        for (const key of [
          'capture',
          'faultDetail',
          'fault',
          'upgraded',
          'reqHeaders',
          'resHeaders',
          'contentType',
        ] as const)
          assert.equal(found[key], record[key], key);
        assert.deepEqual([found.req, found.res], [record.req, record.res]);
        assert.equal(found.sni, 'www.example.test');
        const body = await driver.store.body(id, 'res');
        assert.equal(body?.data.toString(), text.toString());
        assert.deepEqual(body?.facts, record.res);
        assert.equal(body?.contentType, 'text/plain; charset=utf-8');
        assert.equal(body?.contentEncoding, 'gzip');
        assert.deepEqual((await driver.store.body(id, 'req'))?.data, Buffer.from([0, 255, n]));
      }
      assert.equal(await driver.store.exchange(driver.id('1-1.9')), null);
      assert.equal(await driver.store.exchange('nonsense'), null);
      assert.equal(await driver.store.body(driver.id('zz-1.1'), 'req'), null);
    });

    it('are found by words of their bodies; what was masked before it was written is not', async () => {
      const spool = driver.spool(9);
      const tools = new Masker(STANDARD_PROFILE, []);
      const octets = Buffer.from('order 4111 1111 1111 1111 of the unmistakable');
      const head = { contentType: 'text/plain', contentEncoding: 'gzip', upgraded: false };
      const gzip = coded(octets, 'gzip');
      const facts = { size: gzip.length, kept: gzip.length, sha256: null, truncated: false };
      const masked = maskBody({ kept: gzip, facts }, head, tools, () => undefined);
      const resHeaders = 'Content-Type: text/plain\r\nContent-Encoding: gzip\r\n';
      for (const [n, tap] of [masked, { kept: gzip, facts }].entries()) {
        const ids = { flow: flowId(9, 1), n: n + 1 };
        spool.append({ kind: 'body', ...ids, side: 'res', data: tap.kept ?? assert.fail() });
        spool.append(exchange({ ...ids, resHeaders, res: tap.facts }));
      }
      spool.flush();
      await settled();
      const found = async (text: string) =>
        (await driver.store.search(query(text), { kind: 'exchanges' })).rows.map(row => row.exchange);
      const [first, second] = [1, 2].map(n => driver.id(exchangeIdText(flowId(9, 1), n)));
      assert.equal(masked.facts.form, 'decoded', 'it is stored without its coding');
      assert.deepEqual(await found('resbody:"of the unmistakable"'), [second, first]);
      assert.deepEqual(await found('"4111 1111 1111 1111"'), [second]);
      assert.deepEqual(await found('unmistakable -body:4111'), [first]);
      assert.deepEqual(await found('reqbody:unmistakable'), []);
      const without = parseQuery('unmistakable', { kind: 'exchanges', now: NOON, bodies: false });
      assert.ok(without.ok);
      assert.deepEqual((await driver.store.search(without.query, { kind: 'exchanges' })).rows, []);
    });

    it('of a flow come back whole, open and closed, with its exchanges oldest first', async () => {
      const spool = driver.spool(2);
      const id = flowId(2, 1);
      spool.append(flowOpen({ flow: id }));
      for (let n = 1; n <= 3; n++) spool.append(exchange({ flow: id, n }));
      spool.flush();
      await settled();
      await driver.restart();
      const open = await driver.store.flow(driver.id(flowIdText(id)));
      assert.equal(open?.open, true);
      assert.equal(open.row, null);
      assert.deepEqual(open.record, flowOpen({ flow: id }));
      const record = flow({ flow: id, exchanges: 3, faultDetail: 'x' });
      spool.append(record);
      spool.flush();
      await settled();
      const closed = await driver.store.flow(driver.id(flowIdText(id)), 2);
      assert.equal(closed?.open, false);
      assert.deepEqual(closed.record, record);
      assert.equal(closed.row?.alpn?.join(), 'h2,http/1.1');
      assert.deepEqual(
        closed.exchanges.map(x => x.exchange),
        [1, 2].map(n => driver.id(exchangeIdText(id, n))),
      );
      assert.equal(closed.moreExchanges, true);
      assert.equal(await driver.store.flow(driver.id('zz-1')), null);
    });

    it('of a flow without a close become a row when the producer is dead, with its exchanges counted', async () => {
      const spool = driver.spool(3);
      const id = flowId(3, 1);
      spool.append(flowOpen({ flow: id }));
      spool.append(exchange({ flow: id, n: 1 }));
      spool.flush();
      await settled();
      driver.now += DAY;
      spool.append(exchange({ flow: id, n: 2 }));
      spool.flush();
      const file = path.join(driver.spoolDir, driver.segments().find(n => n.startsWith('00000003')) ?? '');
      fs.appendFileSync(file, Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]));
      await settled();
      assert.equal(
        (await driver.store.flow(driver.id(flowIdText(id))))?.open,
        true,
        'alive: nothing is decided',
      );
      await driver.restart();
      driver.alive = false;
      await settled();
      driver.alive = true;
      const dead = await driver.store.flow(driver.id(flowIdText(id)));
      assert.equal(dead?.row?.fault, 'worker-died');
      assert.equal(dead.row.exchanges, 2);
      assert.equal(dead.row.host, 'www.example.test');
      const events = await driver.store.search(query('event:spool.gap', 'events'), { kind: 'events' });
      assert.equal(events.rows[0]?.detail['bytes'], 11);
      assert.ok(!driver.segments().some(n => n.startsWith('00000003')));
    });

    it('are there exactly once, however often the carrier is restarted', async () => {
      const spool = driver.spool(4);
      let written = 0;
      for (let round = 0; round < 12; round++) {
        const id = flowId(4, round + 1);
        spool.append(flowOpen({ flow: id }));
        for (let n = 1; n <= 150; n++) {
          spool.append(
            exchange({ flow: id, n, reqHeaders: `X-Round: ${round}\r\nX-N: ${n}\r\n`, host: 'once.test' }),
          );
          written++;
        }
        spool.append(flow({ flow: id, exchanges: 150, facts: { ...flowOpen().facts!, host: 'once.test' } }));
        spool.flush();
        if (round % 3 !== 2) await settled();
        if (round % 2 === 0) await driver.restart();
      }
      spool.close();
      await settled();
      const found = await driver.store.search(query('host:once.test'), { kind: 'exchanges', limit: 10_000 });
      assert.equal(found.rows.length, written);
      assert.equal(new Set(found.rows.map(r => r.exchange)).size, written);
      const flows = await driver.store.search(query('host:once.test', 'flows'), {
        kind: 'flows',
        limit: 100,
      });
      assert.equal(flows.rows.length, 12);
      assert.equal(
        (await driver.store.count(query('header:"x-round: 7"'), { kind: 'exchanges' })).count,
        150,
      );
    });

    it('keep their pages while rows arrive', async () => {
      const spool = driver.spool(5);
      const put = async (from: number, to: number) => {
        for (let n = from; n <= to; n++)
          spool.append(exchange({ flow: flowId(5, 1), n, host: 'pages.test' }));
        spool.flush();
        await settled();
      };
      await put(1, 10);
      driver.now += DAY;
      await put(11, 20);
      const q = query('host:pages.test');
      const seen: number[] = [];
      let next: string | undefined;
      for (let i = 0; i < 7; i++) {
        const page: Page<'exchanges'> = await driver.store.search(q, {
          kind: 'exchanges',
          limit: 3,
          ...(next === undefined ? {} : { before: next }),
        });
        seen.push(...page.rows.map(r => Number(r.exchange.split('.')[1])));
        if (page.next === null) break;
        next = page.next;
        await put(30 + i, 30 + i);
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, i) => 20 - i),
      );
      const whole = await driver.store.search(q, { kind: 'exchanges', limit: 3, before: 'garbage' });
      assert.equal(whole.rows.length, 3, 'a cursor that cannot be read begins at the newest');
    });

    it('of hostile texts come back, are found by them, and leave the rest alone', async () => {
      const spool = driver.spool(6);
      const values = [
        ...HOSTILE,
        '\udc00low',
        'a\u{10f000}b\u{10f800}c\u{10f801}',
        'x'.repeat(3500),
        '\\N',
        '\\.',
        'tab\there',
      ];
      values.forEach((value, i) => {
        spool.append(
          exchange({
            flow: flowId(6, i + 1),
            user: value,
            path: `/hostile/${value}`,
            host: 'hostile.test',
            faultDetail: value,
            reqHeaders: `X-Odd: ${value}\r\nReferer: ${value}\r\n`,
          }),
        );
        spool.append(
          flow({
            flow: flowId(6, i + 1),
            faultDetail: value,
            verdict: { ...flow().verdict!, reason: value },
          }),
        );
        spool.append({ kind: 'event', time: NOON, name: 'hostile', detail: { value } });
      });
      spool.flush();
      await settled();
      const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
      for (const [i, value] of values.entries()) {
        const id = driver.id(exchangeIdText(flowId(6, i + 1), 1));
        const found = await driver.store.exchange(id);
        assert.equal(kept(found?.user ?? ''), kept(value));
        assert.equal(kept(found?.path ?? ''), kept(`/hostile/${value}`));
        assert.equal(kept(found?.faultDetail ?? ''), kept(value));
        assert.equal(kept(found?.reqHeaders ?? ''), kept(`X-Odd: ${value}\r\nReferer: ${value}\r\n`));
        const detail = await driver.store.flow(driver.id(flowIdText(flowId(6, i + 1))));
        assert.equal(kept((detail?.record as FlowRecord).faultDetail ?? ''), kept(value));
        if (/[\ud800-\udfff]/.test(value) && value !== '\u{1f600} astral') continue;
        const byUser = await driver.store.search(query(`user:${quoted(value)}`), { kind: 'exchanges' });
        assert.deepEqual(
          byUser.rows.map(r => r.exchange),
          [id],
          JSON.stringify(value.slice(0, 50)),
        );
        const byPath = await driver.store.search(
          query(`path:${quoted(`/hostile/${value}`)} host:hostile.test`),
          {
            kind: 'exchanges',
          },
        );
        assert.ok(byPath.rows.some(r => r.exchange === id));
      }
      const events = await driver.store.search(query('event:hostile', 'events'), {
        kind: 'events',
        limit: 100,
      });
      assert.deepEqual(events.rows.map(r => kept(String(r.detail['value']))).reverse(), values.map(kept));
    });

    it('that the store refuses cost themselves only', async () => {
      const spool = driver.spool(7);
      spool.append(exchange({ flow: flowId(7, 1), n: 1, host: 'refused.test' }));
      // JSON turns what is no number into null, which the ledger does not take.
      spool.append(flow({ flow: flowId(7, 7), bytesUp: NaN }));
      spool.append(exchange({ flow: flowId(7, 1), n: 2, host: 'refused.test' }));
      spool.close();
      await settled();
      assert.equal((await driver.store.count(query('host:refused.test'), { kind: 'exchanges' })).count, 2);
      const events = await driver.store.search(query('event:spool.corrupt', 'events'), { kind: 'events' });
      assert.match(String(events.rows[0]?.detail['reason']), /cannot be stored/);
      assert.equal(fs.readdirSync(path.join(driver.spoolDir, 'bad')).length, 1, 'the segment is kept aside');
    });

    it('whose body came the day before have it under their own day', async () => {
      const spool = driver.spool(8);
      const data = Buffer.from('over midnight');
      spool.append({ kind: 'body', flow: flowId(8, 1), n: 1, side: 'res', data });
      spool.flush();
      await settled();
      driver.now += DAY;
      await driver.restart();
      const res = { size: data.length, kept: data.length, sha256: 'cd'.repeat(32), truncated: false };
      spool.append(exchange({ flow: flowId(8, 1), n: 1, res }));
      spool.flush();
      await settled();
      await driver.retain(0);
      const id = driver.id(exchangeIdText(flowId(8, 1), 1));
      assert.equal((await driver.store.body(id, 'res'))?.data.toString(), 'over midnight');
    });

    it('go by the day of ingestion when they are too old, and the newest day stays', async () => {
      const all = async (kind: Kind) => (await driver.store.count(query('', kind), { kind })).count;
      const spool = driver.spool(9);
      spool.append(exchange({ flow: flowId(9, 1), n: 1, host: 'old.test' }));
      spool.flush();
      await settled();
      driver.now += 2 * DAY;
      spool.append(exchange({ flow: flowId(9, 1), n: 2, host: 'new.test' }));
      spool.flush();
      await settled();
      assert.ok((await all('exchanges')) > 1);
      await driver.retain(1);
      assert.equal(await all('exchanges'), 1);
      assert.equal(await all('flows'), 0);
      assert.equal((await driver.store.days()).length, 1);
      driver.now += 40 * DAY;
      await driver.retain(1);
      assert.equal(await all('exchanges'), 1);
      // A clock that goes back writes on into the newest day.
      driver.now -= 100 * DAY;
      spool.append(exchange({ flow: flowId(9, 1), n: 3, host: 'new.test' }));
      spool.flush();
      await settled();
      assert.equal(await all('exchanges'), 2);
      assert.equal((await driver.store.days()).length, 1);
    });
  });
}
