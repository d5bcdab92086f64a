/**
 * URL parameters, read strictly: a parameter given twice, out of range or of the wrong form is a 400 that names it.
 * Linear-time patterns only, and a cap on length, since these strings come from whoever sends them.
 */
import type { Request } from 'express';
import { flowRefText, parseExchangeRef, parseFlowRef } from '../../src/audit/store/ids.ts';
import { ApiFailure } from './answer.ts';

/** One URL parameter as text, or null when absent or empty. */
export function textParam(req: Request, name: string, max = 200): string | null {
  const value: unknown = req.query[name];
  if (value === undefined || value === '') return null;
  if (typeof value !== 'string') throw refuse(`The parameter "${name}" is given more than once.`);
  if (value.length > max) throw refuse(`The parameter "${name}" is longer than ${max} characters.`);
  return value;
}

/** A whole number within bounds. */
export function countParam(req: Request, name: string, fallback: number, min: number, max: number): number {
  const text = textParam(req, name);
  if (text === null) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max))
    throw refuse(`The parameter "${name}" is a whole number from ${min} to ${max}.`);
  return value;
}

/** One word out of a few. */
export function choiceParam<T extends string>(
  req: Request,
  name: string,
  choices: readonly T[],
  fallback: T,
): T {
  const text = textParam(req, name);
  if (text === null) return fallback;
  const found = choices.find(choice => choice === text);
  if (found === undefined) throw refuse(`The parameter "${name}" is one of ${choices.join(', ')}.`);
  return found;
}

/** The text id of an exchange from the path, checked; a text that is none is simply not found. Ids of a fleet name their proxy. */
export function exchangeIdParam(req: Request): { id: string; flow: string; n: number } {
  const ref = parseExchangeRef(pathParam(req, 'id'));
  if (ref === null) throw notFound();
  const flow = flowRefText(ref);
  return { id: `${flow}.${ref.n}`, flow, n: ref.n };
}

/** The text id of a flow from the path. */
export function flowIdParam(req: Request): string {
  const ref = parseFlowRef(pathParam(req, 'id'));
  if (ref === null) throw notFound();
  return flowRefText(ref);
}

function pathParam(req: Request, name: string): string {
  const value: unknown = req.params[name];
  return typeof value === 'string' ? value : '';
}

export function notFound(): ApiFailure {
  return new ApiFailure(
    'not-found',
    'There is no such record.',
    'It may be older than the retention time, or the link is incomplete.',
  );
}

function refuse(message: string): ApiFailure {
  return new ApiFailure('bad-request', message, 'Correct the parameter and try again.');
}

/** String fields of a JSON body; anything else is a 400. `optional` ones that are missing are empty. */
export function bodyFields<K extends string, O extends string = never>(
  req: Request,
  names: readonly K[],
  optional: readonly O[] = [],
): Record<K | O, string> {
  const body = req.body as unknown;
  const out = {} as Record<K | O, string>;
  for (const name of [...names, ...optional]) {
    const given = typeof body === 'object' && body !== null && Object.hasOwn(body, name);
    const value = given ? (body as Record<string, unknown>)[name] : undefined;
    if (value === undefined && (optional as readonly string[]).includes(name)) out[name] = '';
    else if (typeof value === 'string' && value.length <= 1000) out[name] = value;
    else
      throw new ApiFailure(
        'bad-request',
        `The field "${name}" is missing or no text.`,
        'Fill in the form again.',
      );
  }
  return out;
}
