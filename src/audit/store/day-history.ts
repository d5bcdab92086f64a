/** The embedded driver of AuditHistory: the day files of one folder, oldest first. Works in the calling thread. */
import { leavesSince, UptakeTally } from '../uptake.ts';
import { countRuleHits, eachDay, walkFlows } from './flow-walk.ts';
import { walkRequests } from './request-walk.ts';
import { listDays } from './schema.ts';
import type { MadeLeaf, ShownLeaf } from '../uptake.ts';
import type {
  AuditHistory,
  HistoryRange,
  RequestRange,
  RuleHits,
  Uptake,
  UptakeRange,
  WalkedFlow,
  WalkedRequest,
} from './history.ts';

const LEAVES = `SELECT json_extract(detail, '$.serial') AS serial, json_extract(detail, '$.root') AS root,
  json_extract(detail, '$.trust') AS trust FROM event WHERE name = 'ca.leaf'`;
const SHOWN = `SELECT o.client, o.user, l.ja4, x.time, x.exchanges, l.fault,
  json_extract(x.detail, '$.leafSerial') AS serial
  FROM flow x JOIN who o ON o.id = x.who JOIN lane l ON l.id = x.lane
  WHERE x.time >= ? AND x.time < ? AND (x.exchanges > 0 OR l.fault = 'client-rejected-leaf' OR (l.action IS NULL AND l.fault IS NULL))
  AND json_extract(x.detail, '$.leafSerial') IS NOT NULL`;

export class DayHistory implements AuditHistory {
  private readonly dir: string;

  /** `dir`: folder of the day files; a missing one holds nothing. */
  constructor(dir: string) {
    this.dir = dir;
  }

  async *flows(range: HistoryRange): AsyncGenerator<WalkedFlow[]> {
    yield* walkFlows({ ...range, dir: this.dir });
  }

  async *requests(range: RequestRange): AsyncGenerator<WalkedRequest[]> {
    yield* walkRequests({ ...range, dir: this.dir });
  }

  async ruleHits(range: HistoryRange): Promise<RuleHits[]> {
    return countRuleHits({ ...range, dir: this.dir });
  }

  async uptake(range: UptakeRange): Promise<Uptake> {
    const { since, until } = range;
    const { dir } = this;
    const unread = new Set<string>();
    const onProblem = (day: string): unknown => unread.add(day);
    const tally = new UptakeTally(range);
    for (const leaf of eachDay({ dir, since: leavesSince(since), onProblem }, db =>
      db.prepare<[], MadeLeaf>(LEAVES).iterate(),
    ))
      tally.leaf(leaf);
    for (const flow of eachDay({ dir, since, onProblem }, db =>
      db.prepare<[number, number], ShownLeaf>(SHOWN).iterate(since, until),
    ))
      tally.flow(flow);
    return tally.result(unread);
  }

  async isEmpty(): Promise<boolean> {
    return listDays(this.dir).length === 0;
  }

  /** Nothing is held between questions. */
  async close(): Promise<void> {}
}
