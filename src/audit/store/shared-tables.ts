/**
 * The tables of a day file that hold what repeats: who, host, what, url, block, rest, lane, doc. A look-up here is a look-up in
 * a cache; what the cache does not know gets a new row, even if the file has one already (schema.ts says why that is
 * right). A cached row remembers the last block it was marked in as seen, so that a mark costs a comparison unless the
 * block is new.
 *
 * Bounds: the caches as set below, some 100 MB if all were full of long texts; typical days need a tenth.
 */
import { parseAddress } from '../../core/network.ts';
import { docText, headText, laneText, partDigest, urlText, whatText, whoText } from '../canon.ts';
import { addressBytes } from '../query/value.ts';
import { GramWriter } from './gram-writer.ts';
import { HeaderHabits, splitHead } from './headers.ts';
import { SEEN } from './layout.ts';
import { Marks } from './marks.ts';
import { laneOf, laneWords, whatOf } from './parts.ts';
import { Recent } from './recent.ts';
import { searchablePath, searchableText } from './searchable.ts';
import { packVolatile } from './volatile.ts';
import type Database from 'better-sqlite3';
import type { ExchangeRecord, FlowRecord } from '../../core/records.ts';
import type { SplitHead } from './headers.ts';
import type { Mark } from './marks.ts';
import type { RowIds, Statements } from './statements.ts';

/** A row of a shared table, and the blocks of exchanges (or flows) in which it occurs. */
export interface Entry extends Mark {
  /** Of its canonical form (canon.ts). */
  digest: string;
}

/** A row that needs no marks. */
export type DocEntry = Pick<Entry, 'id' | 'digest'>;

/** The two rows a header block became, what remains for the exchange's own row, and the digest of its whole text. */
export interface Head {
  digest: string;
  block: Entry;
  rest: Entry;
  /** As volatile.ts packs it; null when there is nothing. */
  volatile: string | null;
}

const NO_REST: Entry = { id: 0, block: -1, digest: '' };

export class SharedTables {
  private readonly sql: Statements;
  private readonly ids: RowIds;
  private readonly habits = new HeaderHabits();
  private readonly stableLines = new Set<string>();
  private readonly whoCache = new Recent<string, Entry>(16_384);
  private readonly flowWhoCache = new Recent<string, Entry>(16_384);
  private readonly hostCache = new Recent<string, number>(16_384);
  private readonly partiesCache = new Recent<string, number>(16_384);
  private lastParties = 0;
  private readonly whatCache = new Recent<string, Entry>(32_768);
  private readonly urlCache = new Recent<string, Entry>(65_536);
  private readonly headCache = new Recent<string, Head>(4096);
  private readonly blockCache = new Recent<string, Entry>(16_384);
  /** Those of responses are mostly ids that never come again. */
  private readonly restCaches = {
    req: new Recent<string, Entry>(16_384),
    res: new Recent<string, Entry>(1024),
  };
  private readonly laneCache = new Recent<string, Entry>(16_384);
  private readonly docCache = new Recent<string, DocEntry>(4096);

  private readonly grams: GramWriter;
  readonly marks: Marks;

  constructor(db: Database.Database, sql: Statements, ids: RowIds) {
    this.sql = sql;
    this.ids = ids;
    this.marks = new Marks(sql.mark);
    this.grams = new GramWriter(db, sql.gram, ids.newest('url'));
  }

  who(client: string, user: string | null): Entry {
    return cached(this.whoCache, whoKey(client, user), () => this.newWho(client, user));
  }

  /** Flows have blocks of their own, so they need entries of their own; the row is shared. */
  flowWho(client: string, user: string | null): Entry {
    return cached(this.flowWhoCache, whoKey(client, user), () => this.who(client, user));
  }

  private newWho(client: string, user: string | null): DocEntry {
    const id = this.ids.take('who');
    const address = parseAddress(client);
    const ip = address === null ? null : addressBytes(address);
    this.sql.who.run(id, client, ip, user);
    return { id, digest: partDigest(whoText(client, ip?.toString('hex') ?? null, user)) };
  }

  private host(name: string): number {
    let id = this.hostCache.get(name);
    if (id === undefined) {
      id = this.ids.take('host');
      this.sql.host.run(id, name);
      this.sql.hostText.run(id, name);
      this.hostCache.set(name, id);
    }
    return id;
  }

  /** A number for what of `what` hardly changes within a flow, so that it is gone through once a flow. Never used for another. */
  parties(r: ExchangeRecord, sni: string | null): number {
    const key = JSON.stringify([r.host, r.port, r.scheme, r.protocol, sni, r.capture, r.verdict]);
    let number = this.partiesCache.get(key);
    if (number === undefined) this.partiesCache.set(key, (number = ++this.lastParties));
    return number;
  }

  /** `parties`: the number of what this record has in common with others of its flow. */
  what(r: ExchangeRecord, sni: string | null, parties: number): Entry {
    const outcome = JSON.stringify([r.method, r.status, r.contentType, r.fault, r.masked]);
    return cached(this.whatCache, `${parties} ${outcome}`, () => {
      const fields = Object.values(whatOf(r, sni));
      const id = this.ids.take('what');
      this.sql.what.run(id, this.host(r.host), ...fields.slice(1));
      return { id, digest: partDigest(whatText(fields)) };
    });
  }

  /** A new URL needs no mark: its row says in which block it was made. */
  url(r: ExchangeRecord, block: number): Entry {
    const key = `${r.host} ${r.path}`;
    let entry = this.urlCache.get(key);
    if (entry === undefined) {
      entry = { id: this.ids.take('url'), block, digest: partDigest(urlText(r.host, r.path)) };
      this.sql.url.run(entry.id, this.host(r.host), r.path, block);
      this.sql.urlText.run(entry.id, searchablePath(r.path));
      this.grams.add(entry.id, r.path);
      this.urlCache.set(key, entry);
    } else this.marks.add(SEEN.url, entry, block);
    return entry;
  }

  /** Heads of responses have clocks in them: they hardly come twice, and are not looked for. */
  head(text: string, block: number, side: 'req' | 'res'): Head {
    let head = side === 'req' ? this.headCache.get(text) : undefined;
    if (head === undefined) {
      head = this.newHead(text, block, side);
      if (side === 'req') this.headCache.set(text, head);
    }
    this.marks.add(SEEN.block, head.block, block);
    if (head.rest.id !== 0) this.marks.add(SEEN.rest, head.rest, block);
    return head;
  }

  private newHead(text: string, block: number, side: 'req' | 'res'): Head {
    const parts = splitHead(text, (name, value) => this.habits.classify(name, value), this.stableLines);
    const entry = cached(this.blockCache, parts.stable, () => {
      const id = this.ids.take('block');
      this.sql.block.run(id, parts.stable);
      this.sql.blockText.run(id, searchableText(parts.stable));
      // The parts of a head are chained as the one text they make.
      return { id, digest: '' };
    });
    const digest = partDigest(headText(text));
    const rest = parts.varied === '' ? NO_REST : this.rest(parts, block, this.restCaches[side]);
    return { digest, block: entry, rest, volatile: packVolatile(parts.volatile) };
  }

  /** By the words, which hold the names too: the same value under another name is found by other words. */
  private rest({ words, varied }: SplitHead, block: number, cache: Recent<string, Entry>): Entry {
    let entry = cache.get(words);
    if (entry === undefined) {
      entry = { id: this.ids.take('rest'), block, digest: '' };
      this.sql.rest.run(entry.id, varied, '', block);
      this.sql.restText.run(entry.id, searchableText(words));
      cache.set(words, entry);
    }
    return entry;
  }

  lane(r: FlowRecord): Entry {
    const lane = laneOf(r);
    const fields = Object.values(lane);
    return cached(this.laneCache, JSON.stringify(fields), () => {
      const id = this.ids.take('lane');
      this.sql.lane.run(id, lane.host === null ? null : this.host(lane.host), ...fields.slice(1));
      this.sql.laneText.run(
        id,
        laneWords(lane)
          .map(text => text ?? '')
          .join('\n'),
      );
      return { id, digest: partDigest(laneText(fields)) };
    });
  }

  /** A JSON document that repeats. */
  doc(value: object | null): DocEntry | null {
    if (value === null) return null;
    const text = JSON.stringify(value);
    let entry = this.docCache.get(text);
    if (entry === undefined) {
      entry = { id: this.ids.take('doc'), digest: partDigest(docText(text)) };
      this.sql.doc.run(entry.id, text);
      this.docCache.set(text, entry);
    }
    return entry;
  }
}

function cached(cache: Recent<string, Entry>, key: string, make: () => DocEntry): Entry {
  let entry = cache.get(key);
  if (entry === undefined) {
    const { id, digest } = make();
    entry = { id, block: -1, digest };
    cache.set(key, entry);
  }
  return entry;
}

const whoKey = (client: string, user: string | null): string =>
  user === null ? client : `${client}\n${user}`;
