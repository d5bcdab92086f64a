/** What encoder and decoder of records share: the shape of a context, the manner of its verdict and the flags of an exchange. Pure. */
import type { CaptureLevel, ParentWay, TlsProfile, Verdict } from '../core/verdict.ts';

/** What the exchanges of one client to one origin share. */
export interface ExchangeContext {
  client: string;
  user: string | null;
  scheme: 'http' | 'https';
  host: string;
  port: number;
  protocol: string;
  verdict: Verdict;
  capture: CaptureLevel;
}

/** Elements of a context on the wire without the manner of its verdict, as every context was before version 2 of the store. */
export const CONTEXT_PARTS = 13;

/** The manner of a verdict as it stands on the wire: only what it says. */
type MannerParts = Pick<Verdict, 'mask' | 'tls' | 'parent'>;

/** What a context says after its first parts: nothing for a verdict without a manner, so that the usual context stays short. */
export function mannerParts(verdict: Verdict): [] | [MannerParts] {
  const { mask, tls, parent } = verdict;
  if (mask === undefined && tls === undefined && parent === undefined) return [];
  return [{ ...(mask && { mask }), ...(tls && { tls }), ...(parent && { parent }) }];
}

/** Inverse of mannerParts; null when the value is none. Absent (older segments, and the usual case) means no manner. */
export function readManner(value: unknown): MannerParts | null {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) return null;
  const { mask, tls, parent } = value as Record<string, unknown>;
  const found: MannerParts = {};
  if (mask !== undefined) {
    if (typeof mask !== 'string') return null;
    found.mask = mask;
  }
  if (tls !== undefined) {
    if (typeof tls !== 'string') return null;
    found.tls = tls as TlsProfile;
  }
  if (parent !== undefined) {
    if (!isParentWay(parent)) return null;
    found.parent = parent;
  }
  return found;
}

function isParentWay(value: unknown): value is ParentWay {
  if (typeof value !== 'object' || value === null) return false;
  const { group, via, spread, login } = value as Record<keyof ParentWay, unknown>;
  const texts = [group, spread ?? '', login ?? ''];
  return (
    texts.every(text => typeof text === 'string') &&
    Array.isArray(via) &&
    via.every(member => typeof member === 'string')
  );
}

/** Bits of an exchange's flag byte. */
export const BIT = {
  status: 1,
  wait: 2,
  upgraded: 4,
  detail: 8,
  reqBody: 16,
  resBody: 32,
  masked: 64,
} as const;

/** The bits of a body's byte: cut off, has a digest; above them the index of its form (core/masking). */
export const BODY_BIT = { truncated: 1, digest: 2, form: 2 } as const;
