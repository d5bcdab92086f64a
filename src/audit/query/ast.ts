/**
 * The meaning of a query as plain data, and the one table of fields that queries may name. Parser, SQL, live filter,
 * help text and completion all read this table, so they cannot drift apart. Pure.
 */
import { TLS_PROFILES } from '../../core/verdict.ts';

/** What a query looks through. */
export type Kind = 'exchanges' | 'flows' | 'events';

/**
 * How a field's values are read and compared.
 * `name`: the whole value, letter case ignored, `*` stands for anything. `host`: the same, and `.example.com` means the
 * name and everything below. `part`: the value may stand anywhere in the field; with `*` it must cover the whole.
 * `address`: address, network (`10.0.0.0/8`) or pattern with `*`. `number`: comparisons and ranges. `id`: a flow's or an
 * exchange's id. `time`: comparisons with a point in time. `text`: words, as free text.
 */
export type FieldType = 'name' | 'host' | 'part' | 'address' | 'number' | 'id' | 'time' | 'text';

export interface Field {
  name: string;
  type: FieldType;
  kinds: readonly Kind[];
  /** One line for the help page. */
  help: string;
  /** Units that numbers of this field may carry, each with its factor. */
  units?: Readonly<Record<string, number>>;
  /** The only values there are, where they are few; a misspelled one gets a suggestion. */
  values?: readonly string[];
  /** True when rows may have no value: `field:*` then finds those that have one. */
  nullable?: boolean;
}

const BYTES = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 } as const;
const DURATION = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const BOTH: readonly Kind[] = ['exchanges', 'flows'];
const X: readonly Kind[] = ['exchanges'];
const F: readonly Kind[] = ['flows'];
const ALL: readonly Kind[] = ['exchanges', 'flows', 'events'];

export const FIELDS: readonly Field[] = [
  { name: 'host', type: 'host', kinds: BOTH, nullable: true, help: 'host asked for' },
  { name: 'sni', type: 'host', kinds: BOTH, nullable: true, help: 'server name in the ClientHello' },
  { name: 'client', type: 'address', kinds: BOTH, help: 'client address or network' },
  { name: 'user', type: 'name', kinds: BOTH, nullable: true, help: 'authenticated user' },
  { name: 'method', type: 'name', kinds: X, help: 'request method' },
  { name: 'path', type: 'part', kinds: X, help: 'path with query' },
  { name: 'status', type: 'number', kinds: X, nullable: true, help: 'response status; 4xx for a class' },
  { name: 'type', type: 'part', kinds: X, nullable: true, help: 'media type of the response' },
  {
    name: 'scheme',
    type: 'name',
    kinds: BOTH,
    nullable: true,
    values: ['http', 'https'],
    help: 'http or https',
  },
  { name: 'port', type: 'number', kinds: BOTH, nullable: true, help: 'port of the origin' },
  { name: 'protocol', type: 'name', kinds: X, help: 'HTTP/1.1, h2 …' },
  { name: 'header', type: 'text', kinds: X, help: 'words in request or response headers' },
  { name: 'body', type: 'text', kinds: X, help: 'words in a captured request or response body' },
  { name: 'reqbody', type: 'text', kinds: X, help: 'words in a captured request body' },
  { name: 'resbody', type: 'text', kinds: X, help: 'words in a captured response body' },
  {
    name: 'verdict',
    type: 'name',
    kinds: BOTH,
    nullable: true,
    values: ['inspect', 'passthrough', 'block'],
    help: 'what the policy decided',
  },
  { name: 'rule', type: 'name', kinds: BOTH, nullable: true, help: 'rule that decided' },
  { name: 'policy', type: 'name', kinds: BOTH, nullable: true, help: 'version of the policy that decided' },
  { name: 'reason', type: 'part', kinds: BOTH, nullable: true, help: 'reason of the verdict' },
  { name: 'fault', type: 'name', kinds: BOTH, nullable: true, help: 'what went wrong' },
  {
    name: 'mask',
    type: 'name',
    kinds: BOTH,
    nullable: true,
    help: 'masking profile under which it was recorded',
  },
  {
    name: 'tlsprofile',
    type: 'name',
    kinds: BOTH,
    nullable: true,
    values: TLS_PROFILES,
    help: 'TLS profile that was offered to the origin',
  },
  {
    name: 'masked',
    type: 'part',
    kinds: X,
    nullable: true,
    help: 'what was masked and where: masked:card, masked:req-body',
  },
  { name: 'parent', type: 'name', kinds: BOTH, nullable: true, help: 'parent group that it went through' },
  {
    name: 'ms',
    type: 'number',
    kinds: BOTH,
    units: DURATION,
    help: 'duration in milliseconds, or with a unit: 2s',
  },
  {
    name: 'wait',
    type: 'number',
    kinds: X,
    nullable: true,
    units: DURATION,
    help: 'time until the response began, milliseconds',
  },
  { name: 'bytes', type: 'number', kinds: BOTH, units: BYTES, help: 'bytes both ways, or with a unit: 5MB' },
  { name: 'up', type: 'number', kinds: BOTH, units: BYTES, help: 'bytes from the client' },
  { name: 'down', type: 'number', kinds: BOTH, units: BYTES, help: 'bytes to the client' },
  { name: 'exchanges', type: 'number', kinds: F, help: 'number of exchanges in the flow' },
  { name: 'ja4', type: 'name', kinds: F, nullable: true, help: 'JA4 fingerprint of the ClientHello' },
  { name: 'alpn', type: 'part', kinds: F, nullable: true, help: 'protocols the client offered' },
  { name: 'ingress', type: 'name', kinds: F, nullable: true, help: 'connect, http, socks5 or transparent' },
  { name: 'flow', type: 'id', kinds: BOTH, help: 'id of the flow' },
  { name: 'exchange', type: 'id', kinds: X, help: 'id of the exchange' },
  { name: 'event', type: 'name', kinds: ['events'], help: 'name of the event' },
  { name: 'proxy', type: 'name', kinds: ALL, help: 'machine that recorded it, as fleet.name says' },
  { name: 'time', type: 'time', kinds: ALL, help: 'point in time: time:>2026-11-20T10:00Z, time:7d..1d' },
];

/** Words that are written like fields and say something of the time: the parser turns them into tests of `time`. */
export const TIME_WORDS: readonly { name: 'since' | 'until' | 'zone'; help: string }[] = [
  { name: 'since', help: 'began at this time or later: since:yesterday, since:-2h' },
  { name: 'until', help: 'began before this time: until:2026-11-20T18:00' },
  { name: 'zone', help: 'zone of the times in this query: zone:Europe/Berlin; UTC without it' },
];

export type Side = 'req' | 'res';

/** The fields that look into bodies, and into which sides' ones. */
export const BODY_SIDES = {
  body: ['req', 'res'],
  reqbody: ['req'],
  resbody: ['res'],
} as const satisfies Record<string, readonly Side[]>;

export const isBodyField = (name: string): name is keyof typeof BODY_SIDES => Object.hasOwn(BODY_SIDES, name);

export const fieldNamed = (name: string): Field | undefined => FIELDS.find(f => f.name === name);

/** Where in the query text something stands, in UTF-16 units; end exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** A pattern as literal pieces between wildcards: `['api.', '']` is `api.*`. One piece means no wildcard. */
export type Pattern = readonly string[];

/** One test of a field. Numbers and times are in the field's base unit. */
export type Test =
  | { op: 'pattern'; pattern: Pattern }
  /** `.example.com`: the name itself or anything below it. */
  | { op: 'below'; name: string }
  | { op: 'network'; from: Buffer; to: Buffer }
  /** `min <= value <= max`, each end optional, `…Open` excludes the end itself. */
  | { op: 'range'; min: number | null; minOpen: boolean; max: number | null; maxOpen: boolean }
  /** `proxy`: its number in the fleet's store, null when the id does not say. */
  | { op: 'id'; flow: number; n: number | null; proxy?: number | null }
  | { op: 'words'; words: Words }
  /** The field has a value. */
  | { op: 'present' };

/** A phrase: tokens that follow each other; with `prefix` the last one may go on. */
export interface Words {
  text: string;
  prefix: boolean;
}

export type Node =
  | { kind: 'all' }
  | { kind: 'and' | 'or'; parts: Node[] }
  | { kind: 'not'; part: Node }
  | { kind: 'field'; field: Field; test: Test; span: Span }
  /**
   * Free text: host, path with query, headers and, with `bodies`, bodies (exchanges); host, SNI, reason, fault (flows); name,
   * detail (events).
   */
  | { kind: 'free'; words: Words; bodies: boolean; span: Span };

/** Where words are looked for apart from the row itself. */
export type Place = 'heads' | 'bodies';
const HEADS: readonly Place[] = ['heads'];
const BOTH_PLACES: readonly Place[] = ['heads', 'bodies'];

/** All words of a query that may stand there, each with its place. */
export function wordsOf(kind: Kind, node: Node): { place: Place; words: Words }[] {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.flatMap(part => wordsOf(kind, part));
    case 'not':
      return wordsOf(kind, node.part);
    case 'free':
      return kind === 'exchanges'
        ? (node.bodies ? BOTH_PLACES : HEADS).map(place => ({ place, words: node.words }))
        : [];
    case 'field':
      if (node.test.op !== 'words') return [];
      return [{ place: isBodyField(node.field.name) ? 'bodies' : 'heads', words: node.test.words }];
    case 'all':
      return [];
  }
}

/** Whether the answer can depend on bodies. */
export const asksBodies = (kind: Kind, node: Node): boolean =>
  wordsOf(kind, node).some(({ place }) => place === 'bodies');

/** A parsed query: its text and its meaning. */
export interface Query {
  text: string;
  root: Node;
}

/** Sections of docs/query-language.md that errors lead to, by the anchors of their headings. */
export const SECTIONS = [
  'putting-terms-together',
  'values',
  'times',
  'free-text',
  'fields',
  'limits-and-errors',
] as const;
export type Section = (typeof SECTIONS)[number];

/** What is wrong with a query, where, what may have been meant, and the section that explains it. */
export interface QueryError extends Span {
  message: string;
  suggestion: string | null;
  section: Section;
}

export type ParseOutcome = { ok: true; query: Query } | { ok: false; error: QueryError };
