/**
 * Bodies larger than the console usually takes: policy documents and lists. They are read only after their route knows the
 * caller, so a stranger cannot fill the memory; each has a bound, and so has the number read at once.
 */
import type { Request } from 'express';
import { API, IMPORT_MAX, POLICY_MAX } from '../contract.ts';
import { ApiFailure } from './answer.ts';

/** Paths whose bodies the common reader leaves alone. */
export const LARGE_BODIES: ReadonlySet<string> = new Set([
  API.policyCheck,
  API.policyReplay,
  API.policyApply,
  API.listImport,
]);

const MAX_AT_ONCE = 4;
let reading = 0;

/** A JSON object of at most `POLICY_MAX` bytes of text, with room for what JSON adds. */
export async function largeJson(req: Request): Promise<Record<string, unknown>> {
  if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
    throw new ApiFailure('bad-request', 'The request is not understood.', 'Reload the page.');
  const bytes = await bodyOf(req, 2 * POLICY_MAX, 'The document is larger than the console takes.');
  try {
    const value = JSON.parse(bytes.toString('utf8')) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, like any other body that is no object.
  }
  throw new ApiFailure('bad-request', 'The request is not understood.', 'Reload the page.');
}

/** The bytes of a list. */
export async function listBytes(req: Request): Promise<Buffer> {
  if (!/^application\/octet-stream\b/i.test(req.headers['content-type'] ?? ''))
    throw new ApiFailure('bad-request', 'The request is not understood.', 'Reload the page.');
  return bodyOf(req, IMPORT_MAX, 'The list is larger than 16 MiB.');
}

async function bodyOf(req: Request, max: number, tooLarge: string): Promise<Buffer> {
  const refusal = new ApiFailure(
    'too-large',
    tooLarge,
    'Use the command line on the machine of the service: `sightglass lists import` and `sightglass policy apply`.',
  );
  if (Number(req.headers['content-length'] ?? 0) > max) throw refusal;
  if (reading >= MAX_AT_ONCE)
    throw new ApiFailure('too-many', 'Others are sending documents too.', 'Try again in a few seconds.', {
      retryAfter: 5,
    });
  reading++;
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of req as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > max) throw refusal;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  } finally {
    reading--;
  }
}
