/**
 * The policy document as values: what the YAML file means once read, and what travels to the workers as JSON.
 *
 * Ordered rules, first match decides, one explicit default, no hidden precedence (docs/policy.md tells it to authors).
 * Everything here is checked and canonical: names by core/host-name, networks by core/network. Reading the text is
 * policy/parse.ts, turning it into something fast is policy/compile.ts.
 */
import type { MaskingProfile } from '../core/masking.ts';
import type { Action, BlockKind, CaptureLevel, Doubt, MaskProfile, TlsProfile } from '../core/verdict.ts';

/** What happens to a flow, and how it is recorded and told. */
export interface Outcome {
  action: Action;
  capture: CaptureLevel;
  block: BlockKind;
  /** The author's words, or null: then a sentence is made from the rule's name. */
  reason: string | null;
  /** Absent: as the verdict says. */
  mask?: MaskProfile;
  tls?: TlsProfile;
  /** Name of a group in `parents`. Absent: straight to the origin. */
  parent?: string;
}

export interface Rule extends Outcome {
  /** Unique in the document. */
  name: string;
  /** Null matches every flow. */
  when: Condition | null;
  owner: string | null;
  /** From this time on (ms since epoch) the rule no longer matches and `policy check` reports it. Null: never. */
  expires: number | null;
  /** Share of clients the rule holds for, in percent (0 to 100); stable per client and rule. Null: all. */
  rollout: number | null;
  /** When it comes into force, open flows that it blocks are ended too. Absent: it holds for new flows. */
  apply?: 'immediate';
  /** Clients with our PAC file may go past the proxy to these hosts. Absent: they go through it, which passes them on. */
  pac?: 'direct';
}

/** A named list. `file` is as written, relative to the policy file. */
export type ListSource =
  | { kind: 'file'; file: string; allowPublicSuffix: boolean; signed?: SignedBy; pac?: 'direct' }
  | { kind: 'inline'; domains: string[]; allowPublicSuffix: boolean; pac?: 'direct' }
  | UrlSource
  | LearnedSource;

/** A list that somebody else publishes; the last good copy of it counts (policy/sources). */
export interface UrlSource {
  kind: 'url';
  /** `https:`, or `http:` with a digest. */
  url: string;
  /** Pause between two looks, ms. */
  refresh: number;
  /** SHA-256 of the whole list, hex, or null: then whatever the publisher serves is taken. */
  sha256: string | null;
  /** Bytes it may have. */
  maxSize: number;
  /** Name of a format, or null: told from the content. */
  format: string | null;
  allowPublicSuffix: boolean;
  /** Absent: nobody needs to have signed it. */
  signed?: SignedBy;
  /** What rules pass through of it may go past the proxy (see Rule.pac). */
  pac?: 'direct';
}

/** Who must have signed a list (policy/minisign). */
export interface SignedBy {
  /** Public keys as minisign prints them, 1 to 8; the signature of one is enough. */
  keys: string[];
  /** URL, or path relative to the policy file, of the signature; null: the list's own with `.minisig` behind it. */
  at: string | null;
}

/** What is learned from recorded traffic; see policy/learned. */
export const LEARNED_KINDS = ['seen', 'pinned', 'broken'] as const;
export type LearnedKind = (typeof LEARNED_KINDS)[number];

/** A list made of recorded traffic, again and again. Empty until there is some. */
export interface LearnedSource {
  kind: 'learned';
  what: LearnedKind;
  /** Different clients that a name needs. */
  minClients: number;
  /** Age of the traffic that counts, ms. */
  within: number;
  refresh: number;
  allowPublicSuffix: boolean;
}

/** Answers to doubt; which of them a condition accepts stands in DOUBT_ANSWERS. */
export type DoubtAnswer = Action | 'rules' | 'sni';

/** A group of upstream proxies; members, spread and login as in core/verdict's ParentWay. */
export interface ParentGroup {
  members: string[];
  spread?: 'client' | 'host';
  login?: string;
}

export interface PolicyDocument {
  version: 1;
  default: Outcome;
  doubt: Record<Doubt, DoubtAnswer>;
  /** Canonical names that servers use as the public name of encrypted hellos. */
  echFronts: string[];
  lists: Record<string, ListSource>;
  /** Upstream proxies by group. Absent when none are named. */
  parents?: Record<string, ParentGroup>;
  /** Masking profiles by name, complete. Absent when none are named. */
  masking?: Record<string, MaskingProfile>;
  rules: Rule[];
}

export type EchState = 'none' | 'grease-or-real' | 'inner';

/** One condition. The members of `when` are an `all`; several values of one key are alternatives. */
export type Condition =
  | { test: 'all' | 'any'; of: Condition[] }
  | { test: 'not'; of: Condition }
  /** Patterns in text form, names of lists, and networks for hosts that were asked for by address. */
  | { test: 'host'; patterns: string[]; lists: string[]; networks: string[] }
  | { test: 'client'; networks: string[] }
  /** `*` stands for any authenticated user. Compared without regard to case, like directories do. */
  | { test: 'user' | 'group'; values: string[] }
  /** `host:port` of a listener, or `:port`. */
  | { test: 'listener'; values: string[] }
  /** Inclusive ranges. */
  | { test: 'port'; ranges: [number, number][] }
  | { test: 'ingress'; values: string[] }
  | { test: 'scheme'; values: string[] }
  /** Any of the offered protocols. */
  | { test: 'alpn'; values: string[] }
  /** The highest version the client offers, as core/facts writes it. */
  | { test: 'tls-version'; values: string[] }
  /** Whole fingerprints in lower case, or a beginning followed by `*`. */
  | { test: 'ja3' | 'ja4'; values: string[] }
  | { test: 'ech'; values: EchState[] }
  | { test: 'no-sni' | 'sni-mismatch'; value: boolean }
  /** Known once the origin was asked: its issuer or subject as text, patterns with `*`, without regard to case. */
  | { test: 'origin-issuer' | 'origin-subject'; values: string[] }
  /** Codes of the fault with which the origin's certificate was refused; `*` any of them, `none` a verified one. */
  | { test: 'origin-fault'; values: string[] }
  /** Known for each request: its method, its path without query (patterns with `*`), the media type of its body. */
  | { test: 'method' | 'path' | 'content-type'; values: string[] }
  /** Weekdays 0 (Sunday) to 6; minutes of the day, `to` exclusive; `to` ≤ `from` runs over midnight. */
  | { test: 'time'; days: number[]; from: number; to: number; zone: string };

/** Facts that are not there when a flow begins. */
export interface LateFacts {
  origin: boolean;
  request: boolean;
}

/** Which late facts a condition looks at anywhere inside; a rule is asked only when they are there. */
export function lateFactsOf(condition: Condition | null): LateFacts {
  if (condition === null) return { origin: false, request: false };
  switch (condition.test) {
    case 'all':
    case 'any': {
      const parts = condition.of.map(lateFactsOf);
      return { origin: parts.some(p => p.origin), request: parts.some(p => p.request) };
    }
    case 'not':
      return lateFactsOf(condition.of);
    case 'origin-issuer':
    case 'origin-subject':
    case 'origin-fault':
      return { origin: true, request: false };
    case 'method':
    case 'path':
    case 'content-type':
      return { origin: false, request: true };
    default:
      return { origin: false, request: false };
  }
}

/** Which answers each condition of doubt takes, the first being its default. */
export const DOUBT_ANSWERS: Record<Doubt, readonly DoubtAnswer[]> = {
  'malformed-hello': ['block'],
  'hello-timeout': ['block'],
  'not-tls': ['block', 'passthrough'],
  'no-sni': ['rules', 'block', 'inspect', 'passthrough'],
  'sni-mismatch': ['block', 'rules'],
  'connect-ip': ['rules', 'sni', 'block', 'inspect'],
  'ech-front': ['inspect', 'rules', 'block'],
  'host-mismatch': ['block', 'rules'],
};

/** Public names of encrypted hellos that are in wide use. The policy may name others under `ech-fronts`. */
export const KNOWN_ECH_FRONTS: readonly string[] = ['cloudflare-ech.com'];

/** A rule without `capture` records heads, without `block` shows a page. */
export const DEFAULT_CAPTURE: CaptureLevel = 'headers';
export const DEFAULT_BLOCK: BlockKind = 'page';

/**
 * How a block is told when doubt decides. A page needs a hello to answer; before one there is only an alert or a reset.
 */
export const DOUBT_BLOCK: Record<Doubt, BlockKind> = {
  'malformed-hello': 'alert',
  'hello-timeout': 'reset',
  'not-tls': 'reset',
  'no-sni': 'page',
  'sni-mismatch': 'page',
  'connect-ip': 'page',
  'ech-front': 'page',
  'host-mismatch': 'page',
};

/** One sentence per condition, for records and for people. */
export const DOUBT_REASON: Record<Doubt, string> = {
  'malformed-hello': 'The first bytes look like TLS but are no valid ClientHello.',
  'hello-timeout': 'No complete ClientHello arrived in time.',
  'not-tls': 'The bytes after CONNECT are no TLS, so nobody can tell what they are for.',
  'no-sni': 'The ClientHello names no server.',
  'sni-mismatch': 'The ClientHello names another server than the one that was asked for.',
  'connect-ip': 'The client asked for an address, so the name in its ClientHello is unproven.',
  'ech-front': 'The ClientHello hides its real name behind the public name of a known front.',
  'host-mismatch': 'A request names another host than the flow was opened for.',
};
