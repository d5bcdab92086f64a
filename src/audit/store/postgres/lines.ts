/**
 * Records as rows for COPY: everything but the first two columns (day and place), which are known only when the batch has its
 * place in the ledger, and their digests for the chain. Pure but for its caches. A record that breaks its type is a CodecError.
 *
 * Texts that repeat (header blocks without what varies, hellos, certificates) become blocks named by their hash. Bound:
 * the caches hold at most twice `HEADS` header blocks and `CLIENTS` addresses.
 */
import { createHash } from 'node:crypto';
import { parseAddress } from '../../../core/network.ts';
import { headText, laneText, partDigest, urlText, whatText, whoText } from '../../canon.ts';
import { digestOf } from '../../chain.ts';
import { addressBytes } from '../../query/value.ts';
import { HeaderHabits, splitHead } from '../headers.ts';
import { flagsOf } from '../layout.ts';
import { laneOf, laneWords, whatOf } from '../parts.ts';
import { Recent } from '../recent.ts';
import { searchablePath, searchableText } from '../searchable.ts';
import { copyFields, small, told, whole } from './copy.ts';
import { Digests } from './digests.ts';
import { Vector } from './words.ts';
import type { PlainExchange, PlainFlow } from './digests.ts';
import type { EventRecord, ExchangeRecord, FlowRecord } from '../../../core/records.ts';

/** A text that is stored once a day under its hash. */
export interface Block {
  hash: Buffer;
  /** The hash as a key of maps. */
  key: string;
  text: string;
  /** `tsvector` literal; empty for texts that free text does not see. */
  words: () => string;
}

/** A head taken apart: the block that repeats, and what is the row's own. */
interface Head {
  block: Block;
  /** `varied`, an empty line, `volatile`; null when there is nothing. */
  rest: string | null;
  /** The varied lines with their names, for the index. */
  lines: string[];
  /** Of the whole head. */
  digest: string;
}

/** A body that was kept, by what it is stored under. */
export interface KeptBody {
  sha: Buffer;
  size: number;
}

/** A row for COPY, and its digest for the chain. */
export interface Line {
  line: string;
  digest: string;
  /** Texts that the row names. */
  blocks: Block[];
}

/** Whose rows they are: number in the store, and the canonical text of this part of each row. */
export interface Owner {
  id: number;
  text: string;
}

const HEADS = 4096;
const CLIENTS = 16_384;
export const EMPTY_LINE = '\r\n\r\n';

export class Lines {
  private readonly habits = new HeaderHabits();
  private readonly heads = new Recent<string, Head>(HEADS);
  private readonly addresses = new Recent<string, Buffer | null>(CLIENTS);
  private readonly digests = new Digests();

  exchange(
    owner: Owner,
    r: ExchangeRecord,
    sni: string | null,
    req: KeptBody | null,
    res: KeptBody | null,
    texts: { req: Buffer | null; res: Buffer | null },
  ): Line {
    const reqHead = this.head(r.reqHeaders);
    const resHead = this.head(r.resHeaders);
    const words = new Vector().add(told(r.host), false).add(searchablePath(told(r.path)), false);
    for (const line of reqHead.lines) words.add(line, true);
    for (const line of resHead.lines) words.add(line, true);
    const what = whatOf(r, sni);
    const ip = this.ip(r.client);
    const x: PlainExchange = {
      flow: whole(r.flow),
      n: small(r.n),
      time: whole(r.time),
      us: whole(r.ms * 1000),
      wait: r.wait === null ? null : whole(r.wait * 1000),
      up: whole(r.req.size),
      down: whole(r.res.size),
      flags: flagsOf(r),
      reqHead: reqHead.digest,
      resHead: resHead.digest,
      reqBody: req?.sha.toString('hex') ?? null,
      resBody: res?.sha.toString('hex') ?? null,
      reqSha: r.req.sha256,
      resSha: r.res.sha256,
      faultDetail: r.faultDetail,
    };
    const text = this.digests.exchange(x, {
      who: whoText(told(r.client), ip?.toString('hex') ?? null, r.user),
      what: whatText(Object.values(what)),
      url: urlText(r.host, r.path),
      proxy: owner.text,
    });
    const line = copyFields([
      owner.id,
      x.flow,
      x.n,
      x.time,
      x.us,
      x.wait,
      r.client,
      ip,
      r.user,
      what.method,
      what.scheme,
      what.host,
      small(what.port),
      r.path,
      what.status === null ? null : small(what.status),
      what.protocol,
      what.action,
      what.rule,
      what.policy,
      what.reason,
      what.capture,
      what.block,
      what.fault,
      r.faultDetail,
      what.sni,
      what.type,
      x.up,
      x.down,
      x.flags,
      req?.size ?? 0,
      res?.size ?? 0,
      digest(r.req.sha256),
      digest(r.res.sha256),
      req?.sha ?? null,
      res?.sha ?? null,
      texts.req,
      texts.res,
      reqHead.block.hash,
      resHead.block.hash,
      reqHead.rest,
      resHead.rest,
      what.mask,
      what.tls,
      what.parent,
      what.masked,
      words.toString(),
    ]);
    return { line, digest: digestOf(text), blocks: [reqHead.block, resHead.block] };
  }

  flow(owner: Owner, r: FlowRecord): Line {
    const f = r.facts;
    const hello = f?.hello ?? null;
    const lane = laneOf(r);
    const helloBlock = hello === null ? null : document(hello);
    const certBlock = r.originCert === null ? null : document(r.originCert);
    const words = new Vector();
    for (const text of laneWords(lane)) if (text !== null) words.add(text, false);
    const ip = this.ip(r.client);
    const user = f?.user ?? null;
    const detail = { ...r, facts: f === null ? null : { ...f, hello: null }, originCert: null };
    const x: PlainFlow = {
      flow: whole(r.flow),
      time: whole(r.time),
      us: whole(r.ms * 1000),
      up: whole(r.bytesUp),
      down: whole(r.bytesDown),
      exchanges: small(r.exchanges),
      detail: JSON.stringify(detail),
    };
    const text = this.digests.flow(
      x,
      {
        who: whoText(told(r.client), ip?.toString('hex') ?? null, user),
        lane: laneText(Object.values(lane)),
        proxy: owner.text,
      },
      { hello: helloBlock?.text ?? null, cert: certBlock?.text ?? null },
    );
    const line = copyFields([
      owner.id,
      x.flow,
      x.time,
      x.us,
      r.client,
      ip,
      user,
      lane.host,
      lane.port === null ? null : small(lane.port),
      lane.scheme,
      lane.ingress,
      lane.sni,
      lane.alpn,
      lane.ja4,
      lane.action,
      lane.rule,
      lane.policy,
      lane.reason,
      lane.fault,
      x.up,
      x.down,
      x.exchanges,
      helloBlock?.hash ?? null,
      certBlock?.hash ?? null,
      lane.mask,
      lane.tls,
      lane.parent,
      x.detail,
      words.toString(),
    ]);
    return { line, digest: digestOf(text), blocks: [helloBlock, certBlock].filter(b => b !== null) };
  }

  event(owner: Owner, r: EventRecord): Line {
    const x = { time: whole(r.time), name: told(r.name), detail: JSON.stringify(r.detail) };
    const line = copyFields([owner.id, x.time, x.name, x.detail]);
    return { line, digest: digestOf(this.digests.event(x, owner.text)), blocks: [] };
  }

  private head(text: string): Head {
    let head = this.heads.get(told(text));
    if (head === undefined) {
      head = this.newHead(text);
      this.heads.set(text, head);
    }
    return head;
  }

  private newHead(text: string): Head {
    const lines: string[] = [];
    let left = searchableText(text).length;
    const parts = splitHead(text, (name, value) => {
      const found = this.habits.classify(name, value);
      // A phrase may reach from the name into the value.
      if (found === 'varied' && left > 0) {
        const line = name + value;
        lines.push(line.slice(0, left));
        left -= line.length;
      }
      return found;
    });
    const rest =
      parts.varied === '' && parts.volatile === '' ? null : `${parts.varied}${EMPTY_LINE}${parts.volatile}`;
    const words = (): string => {
      const vector = new Vector();
      for (const line of searchableText(parts.stable).split('\r\n')) vector.add(line, true);
      return vector.toString();
    };
    return { block: blockOf(parts.stable, words), rest, lines, digest: partDigest(headText(text)) };
  }

  /** 16 bytes for networks; null when the text is no address. */
  private ip(client: string): Buffer | null {
    let bytes = this.addresses.get(client);
    if (bytes === undefined) {
      const address = parseAddress(client);
      bytes = address === null ? null : addressBytes(address);
      this.addresses.set(client, bytes);
    }
    return bytes;
  }
}

function blockOf(text: string, words: () => string): Block {
  // Half of a SHA-256: nobody gains by making two blocks of one hash, and a chance meeting takes 2^64 of them.
  const hash = createHash('sha256').update(Buffer.from(text, 'utf16le')).digest().subarray(0, 16);
  return { hash, key: hash.toString('latin1'), text, words };
}

const document = (value: object): Block => blockOf(JSON.stringify(value), () => '');

const digest = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'));
