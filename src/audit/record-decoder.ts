/**
 * Frames back to records: pure, no files. Fed with every frame of a segment in order, because a segment carries a dictionary
 * (record-encoder.ts). Never trusts a payload: what cannot be understood is a CodecError, which costs one record.
 */
import { ByteReader, CodecError, wellFormed } from './bytes.ts';
import { FRAME } from './frame.ts';
import { BODY_FORMS } from '../core/masking.ts';
import { BIT, BODY_BIT, CONTEXT_PARTS, readManner } from './record-format.ts';
import type { ExchangeContext } from './record-format.ts';
import type {
  AuditRecord,
  EventRecord,
  ExchangeRecord,
  FlowOpenRecord,
  FlowRecord,
} from '../core/records.ts';
import type { CaptureLevel, Verdict } from '../core/verdict.ts';

/**
 * The other end: frames in, records out. Strings and verdicts of the dictionary are handed out as the same objects each
 * time, which is what makes the recorder's look-ups cheap. `null` means the frame only fed the dictionary, or closed.
 */
export class RecordDecoder {
  private texts = new Map<number, string>();
  private contexts = new Map<number, ExchangeContext>();
  private read = new ByteReader();
  /** True after the producer's `close` frame. */
  closed = false;

  /** Decode one sound frame. Throws CodecError when its content cannot be understood. */
  decode(bytes: Buffer, type: number, start: number, end: number): AuditRecord | null {
    const read = this.read;
    read.reset(bytes, start, end);
    switch (type) {
      case FRAME.exchange:
        return this.exchange();
      case FRAME.text: {
        const id = read.uint();
        this.texts.set(id, read.text());
        return null;
      }
      case FRAME.context: {
        const id = read.uint();
        this.contexts.set(id, contextFrom(parseJson(bytes.toString('utf8', read.at, end))));
        return null;
      }
      case FRAME.forget:
        this.texts.clear();
        this.contexts.clear();
        return null;
      case FRAME.body: {
        const flow = read.f64();
        const n = read.uint();
        const side = read.u8() === 0 ? 'req' : 'res';
        return { kind: 'body', flow, n, side, data: Buffer.from(bytes.subarray(read.at, end)) };
      }
      case FRAME.flowOpen:
      case FRAME.flow:
      case FRAME.event:
        return recordFrom(type, parseJson(bytes.toString('utf8', start, end)));
      case FRAME.close:
        this.closed = true;
        return null;
      default:
        throw new CodecError(`frame type ${type} is not known`);
    }
  }

  private text(id: number): string {
    const text = this.texts.get(id);
    if (text === undefined) throw new CodecError(`text ${id} was never defined`);
    return text;
  }

  private exchange(): ExchangeRecord {
    const read = this.read;
    const flags = read.u8();
    const flow = read.f64();
    const time = read.f64();
    const ms = read.f64();
    const n = read.uint();
    const contextId = read.uint();
    const c = this.contexts.get(contextId);
    if (c === undefined) throw new CodecError(`context ${contextId} was never defined`);
    const method = this.text(read.uint());
    const reqHeaders = this.text(read.uint());
    const resHeaders = this.text(read.uint());
    const type = read.uint();
    const fault = read.uint();
    const reqSize = read.uint();
    const resSize = read.uint();
    const status = (flags & BIT.status) === 0 ? null : read.uint();
    const wait = (flags & BIT.wait) === 0 ? null : read.f64();
    const path = read.text();
    const faultDetail = (flags & BIT.detail) === 0 ? null : read.text();
    const req = (flags & BIT.reqBody) === 0 ? bare(reqSize) : this.bodyFacts(reqSize);
    const res = (flags & BIT.resBody) === 0 ? bare(resSize) : this.bodyFacts(resSize);
    const masked = (flags & BIT.masked) === 0 ? null : this.text(read.uint());
    return {
      kind: 'exchange',
      flow,
      n,
      time,
      ms,
      wait,
      client: c.client,
      user: c.user,
      method,
      scheme: c.scheme,
      host: c.host,
      port: c.port,
      path,
      status,
      protocol: c.protocol,
      verdict: c.verdict,
      capture: c.capture,
      reqHeaders,
      resHeaders,
      contentType: type === 0 ? null : this.text(type),
      req,
      res,
      fault: fault === 0 ? null : this.text(fault),
      faultDetail,
      upgraded: (flags & BIT.upgraded) !== 0,
      ...(masked === null ? {} : { masked }),
    };
  }

  private bodyFacts(size: number): ExchangeRecord['req'] {
    const kept = this.read.uint();
    const bits = this.read.u8();
    const truncated = (bits & BODY_BIT.truncated) !== 0;
    const form = BODY_FORMS[bits >> BODY_BIT.form];
    if (form === undefined) throw new CodecError('form of a body is not known');
    let sha256: string | null = null;
    if ((bits & BODY_BIT.digest) !== 0) {
      const at = this.read.at;
      if (at + 32 > this.read.end) throw new CodecError('payload too short');
      this.read.at += 32;
      sha256 = this.read.bytes.toString('hex', at, at + 32);
    }
    return { size, kept, sha256, truncated, ...(form === 'raw' ? {} : { form }) };
  }
}

const bare = (size: number): ExchangeRecord['req'] => ({ size, kept: 0, sha256: null, truncated: false });

function parseJson(text: string): unknown {
  try {
    // JSON.stringify writes half a surrogate pair as an escape, and nothing else of that range.
    if (!/\\ud[89a-f]/.test(text)) return JSON.parse(text) as unknown;
    return JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'string' ? wellFormed(value) : value,
    ) as unknown;
  } catch {
    throw new CodecError('payload is no JSON');
  }
}

const KIND_OF: Record<number, string> = {
  [FRAME.flowOpen]: 'flow-open',
  [FRAME.flow]: 'flow',
  [FRAME.event]: 'event',
};

function recordFrom(type: number, value: unknown): AuditRecord {
  if (typeof value !== 'object' || value === null) throw new CodecError('payload is no record');
  const record = value as FlowOpenRecord | FlowRecord | EventRecord;
  if (record.kind !== KIND_OF[type] || typeof record.time !== 'number')
    throw new CodecError('payload is no record of its type');
  if (record.kind !== 'event' && typeof record.flow !== 'number') throw new CodecError('payload has no flow');
  return record;
}

function contextFrom(value: unknown): ExchangeContext {
  if (!Array.isArray(value) || value.length < CONTEXT_PARTS || value.length > CONTEXT_PARTS + 1)
    throw new CodecError('payload is no context');
  const manner = readManner(value[CONTEXT_PARTS]);
  if (manner === null) throw new CodecError('payload is no context');
  const v = value as [
    string,
    string | null,
    'http' | 'https',
    string,
    number,
    string,
    CaptureLevel,
    Verdict['action'],
    string,
    string,
    string,
    CaptureLevel,
    Verdict['block'],
  ];
  return {
    client: v[0],
    user: v[1],
    scheme: v[2],
    host: v[3],
    port: v[4],
    protocol: v[5],
    capture: v[6],
    verdict: {
      action: v[7],
      rule: v[8],
      policy: v[9],
      reason: v[10],
      capture: v[11],
      block: v[12],
      ...manner,
    },
  };
}
