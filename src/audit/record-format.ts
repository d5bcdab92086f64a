/** What encoder and decoder of records share: the shape of a context and the flags of an exchange. Pure. */
import type { CaptureLevel, Verdict } from '../core/verdict.ts';

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

/** Bits of an exchange's flag byte. */
export const BIT = { status: 1, wait: 2, upgraded: 4, detail: 8, reqBody: 16, resBody: 32 } as const;
