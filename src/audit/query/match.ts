/**
 * A query as a test of rows that just came in, for live views, streams and alerts: the same meaning as the search, asked of one
 * row in memory. Pure. Header lines, wait, ingress and scheme stand in the row's detail, which both live rows and the feed
 * bring; where a row comes without it, what asks for it does not match.
 *
 * Bodies are large and come only with a feed that was asked for them. Where they would decide and did not come, the answer is
 * null: whoever asks may fetch them and ask again. A row that kept none needs none.
 */
import { parseAddress } from '../../core/network.ts';
import { textOfStored } from '../store/body-text.ts';
import { searchedLines } from '../store/headers.ts';
import { parseFlowRef } from '../store/ids.ts';
import { searchablePath } from '../store/searchable.ts';
import { BODY_SIDES, isBodyField } from './ast.ts';
import { fold } from './fold.ts';
import { addressBytes } from './value.ts';
import type { EventRow, ExchangeRow, FlowRow, LiveRow, StoredBody } from '../store/store.ts';
import type { Field, Kind, Node, Pattern, Query, Side, Test, Words } from './ast.ts';

const KIND_OF: Record<LiveRow['kind'], Kind> = { exchange: 'exchanges', flow: 'flows', event: 'events' };

/** Null: the row's bodies would tell, and they did not come with it. */
export type LiveAnswer = boolean | null;

/** A test for rows of this kind; rows of other kinds never match. */
export function liveFilter(query: Query, kind: Kind): (row: LiveRow) => LiveAnswer {
  return row => KIND_OF[row.kind] === kind && holds(query.root, row);
}

function holds(node: Node, row: LiveRow): LiveAnswer {
  switch (node.kind) {
    case 'all':
      return true;
    case 'and':
      return together(node.parts, row, false);
    case 'or':
      return together(node.parts, row, true);
    case 'not': {
      const part = holds(node.part, row);
      return part === null ? null : !part;
    }
    case 'field':
      if (node.test.op === 'words')
        return row.kind === 'exchange' && wordsHold(node.field, node.test.words, row);
      return passes(node.test, valueOf(node.field, row));
    case 'free':
      if (freeTexts(row, node.words).some(text => hasWords(text, node.words))) return true;
      return row.kind === 'exchange' && node.bodies && inBodies(BODY_SIDES.body, node.words, row);
  }
}

/** Parts of which one with the answer `decides` is enough. */
function together(parts: readonly Node[], row: LiveRow, decides: boolean): LiveAnswer {
  let answer: LiveAnswer = !decides;
  for (const part of parts) {
    const held = holds(part, row);
    if (held === decides) return decides;
    if (held === null) answer = null;
  }
  return answer;
}

type LiveExchange = Extract<LiveRow, { kind: 'exchange' }>;

const wordsHold = (field: Field, words: Words, live: LiveExchange): LiveAnswer =>
  isBodyField(field.name)
    ? inBodies(BODY_SIDES[field.name], words, live)
    : headTexts(live).some(text => hasWords(text, words));

function inBodies(sides: readonly Side[], words: Words, { bodies, detail }: LiveExchange): LiveAnswer {
  if (bodies !== null && bodies !== undefined)
    return sides.some(side => {
      const body = bodies[side];
      return body !== null && hasTokens(bodyTokens(body), words);
    });
  const none = detail !== null && detail !== undefined && sides.every(side => detail[side].kept === 0);
  return none ? false : null;
}

/** Words of bodies that were asked before: several terms, rules and streams ask of one row. */
const read = new WeakMap<StoredBody, string[]>();

function bodyTokens(body: StoredBody): string[] {
  let tokens = read.get(body);
  if (tokens === undefined) read.set(body, (tokens = tokensOf(textOfStored(body))));
  return tokens;
}

type Value = string | number | null;

function valueOf(field: Field, live: LiveRow): Value {
  switch (live.kind) {
    case 'exchange':
      return field.name === 'wait' ? (live.detail?.wait ?? null) : exchangeValue(field.name, live.row);
    case 'flow':
      if (field.name === 'ingress' || field.name === 'scheme')
        return live.record?.facts?.[field.name] ?? null;
      return flowValue(field.name, live.row);
    case 'event':
      return field.name === 'event' ? live.row.event : columnOf(live.row, field.name);
  }
}

function exchangeValue(name: string, row: ExchangeRow): Value {
  switch (name) {
    case 'bytes':
      return row.reqBytes + row.resBytes;
    case 'up':
      return row.reqBytes;
    case 'down':
      return row.resBytes;
    case 'type':
      return row.contentType;
    case 'tlsprofile':
      return row.tlsProfile;
    default:
      return columnOf(row, name);
  }
}

function flowValue(name: string, row: FlowRow): Value {
  switch (name) {
    case 'bytes':
      return row.bytesUp + row.bytesDown;
    case 'up':
      return row.bytesUp;
    case 'down':
      return row.bytesDown;
    case 'tlsprofile':
      return row.tlsProfile;
    case 'alpn':
      return row.alpn?.join(',') ?? null;
    default:
      return columnOf(row, name);
  }
}

/** Fields that are named as their column. */
function columnOf(row: object, name: string): Value {
  const value = (row as Record<string, unknown>)[name];
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

function passes(test: Test, value: Value): boolean {
  if (value === null) return false;
  switch (test.op) {
    case 'present':
      return true;
    case 'pattern':
      return fits(test.pattern, fold(String(value)));
    case 'below': {
      const name = fold(String(value));
      return name === test.name || name.endsWith(`.${test.name}`);
    }
    case 'network': {
      const address = parseAddress(String(value));
      if (address === null) return false;
      const bytes = addressBytes(address);
      return Buffer.compare(bytes, test.from) >= 0 && Buffer.compare(bytes, test.to) <= 0;
    }
    case 'range': {
      const n = Number(value);
      if (test.min !== null && (test.minOpen ? n <= test.min : n < test.min)) return false;
      return test.max === null || (test.maxOpen ? n < test.max : n <= test.max);
    }
    case 'id': {
      const [flow, n] = String(value).split('.');
      const ref = parseFlowRef(flow ?? '');
      if (ref === null || (test.proxy ?? null) !== ref.proxy) return false;
      return ref.flow === test.flow && (test.n === null || Number(n) === test.n);
    }
    case 'words':
      return false;
  }
}

/** Whether a folded text consists of the pieces of a pattern with anything between them. */
export function fits(pattern: Pattern, text: string): boolean {
  const [first = '', ...rest] = pattern;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

function freeTexts(live: LiveRow, words: Words): string[] {
  switch (live.kind) {
    case 'exchange':
      return [live.row.host, searchablePath(live.row.path), ...headTexts(live)];
    case 'flow':
      return [live.row.host, live.row.sni, live.row.reason, live.row.fault].filter(text => text !== null);
    case 'event':
      return eventHas(live.row, words) ? [words.text] : [];
  }
}

/** Each field of both heads: a phrase never reaches from one into the next. */
function headTexts(live: LiveExchange): string[] {
  const { detail } = live;
  return detail === null || detail === undefined
    ? []
    : [...searchedLines(detail.reqHeaders), ...searchedLines(detail.resHeaders)];
}

/** Events are few and searched for the text anywhere in them. */
const eventHas = (row: EventRow, words: Words): boolean =>
  fold(`${row.event} ${JSON.stringify(row.detail)}`).includes(fold(words.text));

/** Words of a text as the index sees them: letters and digits, without case and accents. */
export function tokensOf(text: string): string[] {
  return (
    text
      .normalize('NFD')
      .replace(/\p{Mn}+/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{Co}]+/gu) ?? []
  );
}

/** Whether the words follow each other in the text. */
const hasWords = (text: string, words: Words): boolean => hasTokens(tokensOf(text), words);

function hasTokens(tokens: readonly string[], words: Words): boolean {
  const wanted = tokensOf(words.text);
  if (wanted.length === 0) return false;
  const last = wanted.length - 1;
  return tokens.some((_, at) =>
    wanted.every((word, i) => {
      const token = tokens[at + i];
      return token !== undefined && (i === last && words.prefix ? token.startsWith(word) : token === word);
    }),
  );
}
