/** The machine that recorded a row is named in every format, whoever sends it: a collector sends for many. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bulkLines } from '../../../src/audit/export/bulk.ts';
import { cefLine } from '../../../src/audit/export/cef.ts';
import { ecs } from '../../../src/audit/export/ecs.ts';
import { hostOf } from '../../../src/audit/export/facts.ts';
import { hecLine } from '../../../src/audit/export/hec.ts';
import { plain } from '../../../src/audit/export/json.ts';
import { ocsf } from '../../../src/audit/export/ocsf.ts';
import { syslogMessage } from '../../../src/audit/export/syslog.ts';
import type { FedRow } from '../../../src/audit/store/store.ts';
import { fedEvent, fedExchange, fedFlow, SENDER, whole } from './fed.ts';

const BARE = { heads: false, bodies: false };

/** What each format says of the machine. */
function names(fed: FedRow): Record<string, unknown> {
  const b = whole(fed);
  const found = (text: string, what: RegExp): unknown => what.exec(text)?.[1];
  return {
    json: plain(b, SENDER, BARE)['proxy'],
    ecs: (ecs(b, SENDER, BARE)['observer'] as { name: unknown }).name,
    ocsf: (ocsf(b, SENDER, BARE)['metadata'] as { log_provider: unknown }).log_provider,
    cef: found(cefLine(b, SENDER), / dvchost=(\S+) /),
    hec: (
      JSON.parse(hecLine(b, SENDER, { payload: 'json', index: null, include: BARE })) as { host: unknown }
    ).host,
    elasticsearch: found(bulkLines(b, SENDER, BARE), /"_id":"([^/]+)\//),
    syslog: found(
      syslogMessage(fed, SENDER, { payload: 'json', facility: 13, pid: 1, include: BARE }),
      /^<\d+>1 \S+ (\S+) sightglass 1 /,
    ),
    otlp: hostOf(fed, SENDER),
  };
}

for (const fed of [fedExchange(), fedFlow(), fedEvent()])
  it(`names the machine that recorded: ${fed.kind}`, () => {
    const own = names(fed);
    assert.deepEqual(new Set(Object.values(own)), new Set([SENDER.host]), JSON.stringify(own));
    const other = { ...fed, row: { ...fed.row, proxy: 'edge-2' } } as FedRow;
    assert.deepEqual(new Set(Object.values(names(other))), new Set(['edge-2']), JSON.stringify(names(other)));
  });
