/**
 * Query text to meaning: a scanner and a small Pratt parser, pure, never throws. `-` and NOT bind tightest, then AND
 * (which may be left out), then OR. The text can only ever become the data of ast.ts; what the database runs is built
 * from that by sql.ts out of fixed fragments.
 *
 * Bounds: length of the text, number of terms, depth of nesting and wildcards per value; beyond them the query is
 * refused with an error, so that no query can be made to cost without limit.
 */
import { wellFormed } from '../bytes.ts';
import { fieldNamed, isBodyField, TIME_WORDS } from './ast.ts';
import { nearestField } from './suggest.ts';
import { TIME_HINT } from './time.ts';
import { QuerySyntaxError, readBound, readValue, freeWords } from './value.ts';
import { zoneNamed } from './zone.ts';
import type { Field, Kind, Node, ParseOutcome, QueryError, Span } from './ast.ts';

const MAX_LENGTH = 4000;
const MAX_TERMS = 100;
const MAX_DEPTH = 40;

export interface ParseOptions {
  /** Fields that do not belong to this kind are errors. */
  kind: Kind;
  /** ms since epoch, for relative times. */
  now: number;
  /** Zone of times that name none, when the query names none either; UTC when not given. */
  zone?: string | undefined;
  /** False: who asks may not read bodies, so free text leaves them out and their fields are an error. True when not given. */
  bodies?: boolean;
}

/** Parse a query. The empty text means everything. */
export function parseQuery(text: string, options: ParseOptions): ParseOutcome {
  try {
    // As everything stored (bytes.ts): half a surrogate pair could match nothing.
    const formed = wellFormed(text);
    let parser = new Parser(formed, options);
    let root = parser.parse();
    // A zone holds for the whole query, also for what stands before it.
    if (parser.zone !== null) {
      parser = new Parser(formed, { ...options, zone: parser.zone });
      root = parser.parse();
    }
    return { ok: true, query: { text, root } };
  } catch (error) {
    if (error instanceof QuerySyntaxError) return { ok: false, error: error.toError() };
    throw error;
  }
}

/** The error as lines for a terminal: the query, a caret under the place, the sentence and the suggestion. */
export function explainError(text: string, error: QueryError): string {
  // Control characters would move the caret or the terminal.

  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
  const caret = ' '.repeat(error.start) + '^'.repeat(Math.max(1, error.end - error.start));
  const hint = error.suggestion === null ? '' : `\n${error.suggestion}`;
  return `${error.message}\n  ${shown}\n  ${caret}${hint}`;
}

type Token =
  | { kind: '(' | ')' | 'and' | 'or' | 'not' | 'end'; span: Span }
  | { kind: 'field'; name: string; span: Span }
  /** `quoted` text has its escapes resolved and no wildcards. */
  | { kind: 'value'; text: string; quoted: boolean; span: Span };

/**
 * What the scanner expects. `term`: anything. `value`, right after `field:`: a colon belongs to the value (IPv6, times),
 * `-` negates nothing and AND is a word. `group`, inside `field:( … )`: values and operators, but no further field.
 */
type Mode = 'term' | 'value' | 'group';
const within = (field: Field | null): Mode => (field === null ? 'term' : 'group');

class Parser {
  private readonly text: string;
  private readonly options: ParseOptions;
  private at = 0;
  private token: Token;
  private terms = 0;
  private depth = 0;
  /** What `zone:` named. */
  zone: string | null = null;

  constructor(text: string, options: ParseOptions) {
    this.text = text;
    this.options = options;
    if (text.length > MAX_LENGTH)
      throw new QuerySyntaxError(
        `The query is longer than ${MAX_LENGTH} characters.`,
        {
          start: MAX_LENGTH,
          end: text.length,
        },
        'limits-and-errors',
      );
    this.token = this.scan('term');
  }

  parse(): Node {
    if (this.token.kind === 'end') return { kind: 'all' };
    const node = this.expression(0, null);
    if (node.kind === 'or' && node.parts.includes(ZONE))
      throw misplacedZone({ start: 0, end: this.text.length });
    const rest = this.token;
    if (rest.kind === ')')
      throw new QuerySyntaxError(
        'This parenthesis was never opened.',
        rest.span,
        'putting-terms-together',
        'Remove it, or quote it.',
      );
    return node;
  }

  /** Pratt: OR has power 1, AND (written or not) power 2. `field` is set inside `field:( … )`. */
  private expression(power: number, field: Field | null): Node {
    let left = this.prefix(field);
    for (;;) {
      const token = this.token;
      if (token.kind === 'end' || token.kind === ')') return left;
      const op = token.kind === 'or' ? 'or' : 'and';
      const strength = op === 'or' ? 1 : 2;
      if (strength <= power) return left;
      if (token.kind === 'or' || token.kind === 'and') this.next(within(field));
      left = join(op, left, this.expression(strength, field));
    }
  }

  private prefix(field: Field | null): Node {
    const token = this.token;
    switch (token.kind) {
      case 'not': {
        this.next(within(field));
        this.enter(token.span);
        if (this.token.kind === 'field' && this.token.name.toLowerCase() === 'zone')
          throw misplacedZone(this.token.span);
        const part = this.prefix(field);
        this.depth--;
        return { kind: 'not', part };
      }
      case '(':
        return this.group(token.span, field, field);
      case 'field':
        return this.fieldTerm(token.name, token.span);
      case 'value': {
        this.count(token.span);
        this.next(within(field));
        if (field !== null) return readValue(field, token, token.span, this.options);
        if (!token.quoted && token.text === '*') return { kind: 'all' };
        return {
          kind: 'free',
          words: freeWords(token, token.span),
          bodies: this.options.bodies ?? true,
          span: token.span,
        };
      }
      case 'and':
      case 'or':
        throw new QuerySyntaxError(
          `${token.kind.toUpperCase()} needs a term on its left.`,
          token.span,
          'putting-terms-together',
          `To search for the word itself, quote it: "${token.kind.toUpperCase()}".`,
        );
      case ')':
        throw new QuerySyntaxError(
          'A term is missing before this parenthesis.',
          token.span,
          'putting-terms-together',
        );
      case 'end':
        throw new QuerySyntaxError(
          'The query ends where a term is expected.',
          token.span,
          'putting-terms-together',
        );
    }
  }

  /** `( … )`: what stands inside belongs to `inside`, what follows to `outside`. */
  private group(span: Span, inside: Field | null, outside: Field | null): Node {
    this.next(within(inside));
    this.enter(span);
    const node = this.expression(0, inside);
    this.depth--;
    if (this.token.kind !== ')')
      throw new QuerySyntaxError(
        'This parenthesis is never closed.',
        span,
        'putting-terms-together',
        'Add a ) at the end.',
      );
    this.next(within(outside));
    return node;
  }

  private fieldTerm(name: string, span: Span): Node {
    const word = TIME_WORDS.find(w => w.name === name.toLowerCase());
    if (word !== undefined) return this.timeTerm(word.name, span);
    const field = this.resolve(name, span);
    this.next('value');
    const value = this.token;
    if (value.kind === '(') return this.group(value.span, field, null);
    if (value.kind !== 'value')
      throw new QuerySyntaxError(`A value is missing after ${field.name}:`, span, 'values', exampleOf(field));
    this.count(value.span);
    this.next('term');
    return readValue(field, value, { start: span.start, end: value.span.end }, this.options);
  }

  /** `since:`, `until:` and `zone:`. */
  private timeTerm(name: 'since' | 'until' | 'zone', span: Span): Node {
    this.next('value');
    const value = this.token;
    if (value.kind !== 'value' || value.text === '')
      throw new QuerySyntaxError(
        `A value is missing after ${name}:`,
        span,
        'times',
        name === 'zone' ? 'For example zone:Europe/Berlin.' : TIME_HINT,
      );
    const whole = { start: span.start, end: value.span.end };
    this.count(value.span);
    this.next('term');
    if (name !== 'zone')
      return { kind: 'field', field: TIME, test: readBound(name, value, whole, this.options), span: whole };
    const zone = zoneNamed(value.text);
    if (zone === null)
      throw new QuerySyntaxError(
        `${JSON.stringify(value.text)} is no time zone.`,
        whole,
        'times',
        'Zones are named as in zone:Europe/Berlin, zone:America/New_York or zone:UTC.',
      );
    if (this.depth > 0) throw misplacedZone(whole);
    if (this.zone !== null && this.zone !== zone)
      throw new QuerySyntaxError(
        'The query names two time zones.',
        whole,
        'times',
        'A zone holds for the whole query.',
      );
    this.zone = zone;
    return ZONE;
  }

  private resolve(name: string, span: Span): Field {
    const field = fieldNamed(name.toLowerCase());
    const { kind, bodies = true } = this.options;
    if (field !== undefined && isBodyField(field.name) && !bodies)
      throw new QuerySyntaxError(
        'Only people who may read bodies can search in them.',
        span,
        'free-text',
        'Auditors may. Host, path and headers are searched without the field.',
      );
    if (field?.kinds.includes(kind) === true) return field;
    if (field !== undefined)
      throw new QuerySyntaxError(
        `The field ${field.name} belongs to ${field.kinds.join(' and ')}, this is a search for ${kind}.`,
        span,
        'fields',
        field.kinds.includes('flows')
          ? 'Search the flows instead (--flows).'
          : `Leave it out or search ${field.kinds.join(' or ')}.`,
      );
    const near = nearestField(name.toLowerCase(), kind);
    throw new QuerySyntaxError(
      `There is no field ${JSON.stringify(name)}.`,
      span,
      'fields',
      near === null
        ? 'To search for the text itself, put it in double quotes.'
        : `Did you mean ${near}:? To search for the text itself, put it in double quotes.`,
    );
  }

  private count(span: Span): void {
    if (++this.terms > MAX_TERMS)
      throw new QuerySyntaxError(`The query has more than ${MAX_TERMS} terms.`, span, 'limits-and-errors');
  }

  private enter(span: Span): void {
    if (++this.depth > MAX_DEPTH)
      throw new QuerySyntaxError(`Nested deeper than ${MAX_DEPTH} levels.`, span, 'limits-and-errors');
  }

  private next(mode: Mode): void {
    this.token = this.scan(mode);
  }

  private scan(mode: Mode): Token {
    const { text } = this;
    while (this.at < text.length && isSpace(text.charCodeAt(this.at))) this.at++;
    const start = this.at;
    if (start >= text.length) return { kind: 'end', span: { start, end: start } };
    const first = text.charAt(start);
    if (first === '(' || first === ')') {
      this.at++;
      return { kind: first, span: { start, end: this.at } };
    }
    if (first === '"') return this.quoted(start);
    if (
      first === '-' &&
      mode !== 'value' &&
      start + 1 < text.length &&
      !isSpace(text.charCodeAt(start + 1))
    ) {
      this.at++;
      return { kind: 'not', span: { start, end: this.at } };
    }
    let end = start;
    while (end < text.length && !isSpace(text.charCodeAt(end)) && !'()"'.includes(text.charAt(end))) {
      if (mode === 'term' && text.charAt(end) === ':') {
        const name = text.slice(start, end);
        if (/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) {
          this.at = end + 1;
          return { kind: 'field', name, span: { start, end: this.at } };
        }
      }
      end++;
    }
    this.at = end;
    const word = text.slice(start, end);
    const span = { start, end };
    if (mode === 'value') return { kind: 'value', text: word, quoted: false, span };
    if (word === 'AND' || word === '&&') return { kind: 'and', span };
    if (word === 'OR' || word === '||') return { kind: 'or', span };
    if (word === 'NOT') return { kind: 'not', span };
    return { kind: 'value', text: word, quoted: false, span };
  }

  private quoted(start: number): Token {
    const { text } = this;
    let value = '';
    for (let at = start + 1; at < text.length; at++) {
      const char = text.charAt(at);
      if (char === '"') {
        this.at = at + 1;
        return { kind: 'value', text: value, quoted: true, span: { start, end: this.at } };
      }
      if (char === '\\' && at + 1 < text.length && '"\\'.includes(text.charAt(at + 1))) at++;
      value += text.charAt(at);
    }
    throw new QuerySyntaxError('This quotation mark is never closed.', { start, end: text.length }, 'values');
  }
}

/** Stands in the tree for `zone:`, which tests nothing. */
const ZONE: Node = { kind: 'all' };
const TIME = fieldNamed('time') as Field;

const misplacedZone = (span: Span): QuerySyntaxError =>
  new QuerySyntaxError(
    'zone: holds for the whole query: it stands beside the other terms, not inside NOT, OR or parentheses.',
    span,
    'times',
    'For example zone:Europe/Berlin (a OR b).',
  );

const isSpace = (code: number): boolean => code <= 32 || code === 0xa0 || code === 0x3000;

/** Keep chains of one operator flat, so that SQL and messages stay short. */
function join(kind: 'and' | 'or', left: Node, right: Node): Node {
  const parts = [
    ...(left.kind === kind ? left.parts : [left]),
    ...(right.kind === kind ? right.parts : [right]),
  ];
  return { kind, parts };
}

function exampleOf(field: Field): string {
  switch (field.type) {
    case 'number':
      return `For example ${field.name}:>100 or ${field.name}:100..500.`;
    case 'address':
      return `For example ${field.name}:10.0.0.0/8.`;
    case 'host':
      return `For example ${field.name}:*.example.com.`;
    case 'time':
      return `For example ${field.name}:>2026-11-20T10:00Z.`;
    default:
      return `To find rows that have one, write ${field.name}:*.`;
  }
}
