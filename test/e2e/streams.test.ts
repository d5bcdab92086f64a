/**
 * Streams of the real product: rows sent to a real rsyslog over TLS and into a Squid log, while the receiver and then the control
 * process are killed with SIGKILL. At least once: nothing is missing; what came twice is counted and bounded.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Ingest } from '../../src/audit/ingest.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { startProduct } from '../helpers/product.ts';
import { startRsyslog } from '../helpers/rsyslog.ts';
import { makeTestCa } from '../helpers/tls-authority.ts';
import { parseMessage } from '../audit/export/syslog-reader.ts';
import { exchange, flow, flowId, flowOpen } from '../audit/sample.ts';
import type { Product } from '../helpers/product.ts';

const FLOWS = 40;
const PER_FLOW = 150;
const RESEND = 3000;

/** A data directory that has recorded something already. */
function recorded(): { dataDir: string; ids: Set<string> } {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-product-'));
  const spoolDir = path.join(dataDir, 'spool');
  // A number that the product will not give again: the store takes segments of a name it knows for stored already.
  const spool = openSpool({ dir: spoolDir, producer: 900 });
  const ids = new Set<string>();
  const now = Date.now();
  for (let f = 1; f <= FLOWS; f++) {
    spool.append(flowOpen({ flow: flowId(1, f) }));
    for (let n = 1; n <= PER_FLOW; n++) {
      spool.append(
        exchange({
          flow: flowId(1, f),
          n,
          time: now - 1000,
          path: `/item/${f}/${n}?q=${'x'.repeat(n % 90)}`,
        }),
      );
      ids.add(`1-${f.toString(36)}.${n}`);
    }
    spool.append(flow({ flow: flowId(1, f), exchanges: PER_FLOW }));
  }
  spool.close();
  const ingest = new Ingest({ spoolDir, auditDir: path.join(dataDir, 'audit'), isAlive: () => false });
  while (ingest.step().rows > 0);
  ingest.close();
  return { dataDir, ids };
}

describe('streams of the product', { timeout: 180_000 }, () => {
  it('reach rsyslog whole, whoever is killed on the way', async t => {
    const { dataDir, ids } = recorded();
    const ca = makeTestCa();
    const server = ca.issue({ names: ['localhost'] });
    const logDir = fs.mkdtempSync(path.join(os.tmpdir(), 'sightglass-rsyslog-'));
    const rsyslog = await startRsyslog({ dir: logDir, tls: { server, caFile: ca.caFile } });
    // Away until somebody notices.
    await rsyslog.kill();
    const squid = path.join(logDir, 'squid.log');
    fs.writeFileSync(
      path.join(dataDir, 'streams.yaml'),
      `streams:
  siem: {to: syslog-tls, target: "localhost:${rsyslog.port}", ca: ${ca.caFile}, kinds: exchanges, from: start, resend: ${RESEND}, batch: 250}
  squid: {to: file, format: squid, target: ${squid}, kinds: [exchanges, flows], from: start}
`,
    );
    let product: Product = await startProduct({ on: { dataDir } as Product, workers: 1 });
    t.after(async () => {
      await product.cleanUp();
      await rsyslog.kill();
      ca.remove();
      fs.rmSync(logDir, { recursive: true, force: true });
    });
    const seen = (): string[] =>
      rsyslog.lines().flatMap(line => {
        // The end of the file may be the beginning of a line.
        try {
          return [(JSON.parse(parseMessage(line).msg) as { exchange: string }).exchange];
        } catch {
          return [];
        }
      });
    const until = async (what: string, enough: () => boolean): Promise<void> => {
      for (const deadline = Date.now() + 60_000; !enough();) {
        if (Date.now() > deadline)
          throw new Error(
            `${what}: ${new Set(seen()).size} of ${ids.size}\n${product.stderr().slice(-2000)}`,
          );
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    };

    await product.eventually('events', 'event:stream.failing', rows => rows.length > 0);
    await rsyslog.restart();
    await product.eventually('events', 'event:stream.recovered', rows => rows.length > 0);
    await until('first rows', () => rsyslog.lines().length > 800);
    // Whether that is noticed depends on how much had been sent by now.
    await rsyslog.kill();
    await rsyslog.restart();
    await until('rows after the receiver was killed', () => new Set(seen()).size > 2500);
    await product.kill();
    product = await startProduct({ on: product, workers: 1 });
    await until('all rows', () => new Set(seen()).size >= ids.size);

    const all = seen();
    const came = new Set(all);
    const missing = [...ids].filter(id => !came.has(id));
    t.diagnostic(
      `${ids.size} rows; ${all.length} lines, ${all.length - came.size} of them twice; ${missing.length} missing`,
    );
    assert.deepEqual(missing, []);
    // Twice at most what two losses may send again, a batch each on top.
    assert.ok(all.length <= ids.size + 2 * (RESEND + 500), String(all.length));

    await until('the Squid log', () => {
      const lines = fs.readFileSync(squid, 'utf8').split('\n');
      return (
        new Set(lines.filter(line => / GET .*\/item\//.test(line)).map(line => line.split(' GET ')[1]))
          .size >= ids.size
      );
    });
  });
});
