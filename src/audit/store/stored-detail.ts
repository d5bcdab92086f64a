/** What is stored of one exchange beyond its row, and of its bodies, put together as it was recorded; for every driver. Pure. */
import zlib from 'node:zlib';
import { BODY_FORMS } from '../../core/masking.ts';
import { fieldOf } from './head-field.ts';
import { FLAG, FORM_SHIFT } from './layout.ts';
import type { BodyFacts } from '../../core/records.ts';
import type { ExchangeDetail, ExchangeRow, StoredBody } from './store.ts';

export interface DetailColumns {
  n: number;
  /** µs. */
  wait: number | null;
  up: number;
  down: number;
  flags: number;
  capture: string;
  refusal: string;
  fault_detail: string | null;
  req_kept: number | null;
  res_kept: number | null;
  req_sha: Buffer | null;
  res_sha: Buffer | null;
}

/** The whole exchange; `heads` as recorded. */
export function exchangeDetail(
  row: ExchangeRow,
  r: DetailColumns,
  heads: { req: string; res: string },
): ExchangeDetail {
  return {
    ...row,
    n: r.n,
    wait: r.wait === null ? null : r.wait / 1000,
    capture: r.capture,
    block: r.refusal,
    faultDetail: r.fault_detail,
    upgraded: (r.flags & FLAG.upgraded) !== 0,
    reqHeaders: heads.req,
    resHeaders: heads.res,
    req: bodyFacts(
      r.up,
      r.req_kept,
      r.req_sha,
      (r.flags & FLAG.reqTruncated) !== 0,
      r.flags >> FORM_SHIFT.req,
    ),
    res: bodyFacts(
      r.down,
      r.res_kept,
      r.res_sha,
      (r.flags & FLAG.resTruncated) !== 0,
      r.flags >> FORM_SHIFT.res,
    ),
  };
}

/** Bytes of a body as they were kept; `enc` 0 as is, 1 raw deflate. Throws for bytes that cannot be unpacked. */
export const unpacked = (stored: { enc: number; data: Buffer }): Buffer =>
  stored.enc === 0 ? stored.data : zlib.inflateRawSync(stored.data);

/** The captured body of one side. */
export function storedBody(
  detail: ExchangeDetail,
  side: 'req' | 'res',
  stored: { enc: number; data: Buffer },
): StoredBody {
  const head = side === 'req' ? detail.reqHeaders : detail.resHeaders;
  const facts = side === 'req' ? detail.req : detail.res;
  return {
    data: unpacked(stored),
    facts,
    contentType: fieldOf(head, 'content-type'),
    // What was decoded before it was masked is no longer what the head says.
    contentEncoding: facts.form === 'decoded' ? null : fieldOf(head, 'content-encoding'),
  };
}

/** What is known of one body; `formBits` as layout.ts shifts them. */
function bodyFacts(
  size: number,
  kept: number | null,
  sha: Buffer | null,
  truncated: boolean,
  formBits: number,
): BodyFacts {
  const form = BODY_FORMS[formBits & 15] ?? 'raw';
  const facts = { size, kept: kept ?? 0, sha256: sha?.toString('hex') ?? null, truncated };
  return form === 'raw' ? facts : { ...facts, form };
}
