/** The outcome of one policy decision. Pure data: the data plane carries it out, the records keep it. */

export type Action = 'inspect' | 'passthrough' | 'block';
export const ACTIONS: readonly Action[] = ['inspect', 'passthrough', 'block'];

/** How much of an inspected flow is recorded: the ledger row only, exchanges with headers, or bodies too. */
export type CaptureLevel = 'flow' | 'headers' | 'bodies';

/** How a block is told to the client: an explanatory page (under a minted leaf), a TLS alert, or a TCP reset. */
export type BlockKind = 'page' | 'alert' | 'reset';

/**
 * Name of what is masked of an inspected exchange before it is recorded: `standard`, `strict`, or a profile that the policy
 * names (core/masking.ts).
 */
export type MaskProfile = string;

/** What is offered to an origin; proxy/tls-profile.ts lists the suites. The checks of its certificate never differ. */
export type TlsProfile = 'modern' | 'tls13' | 'compatible';
export const TLS_PROFILES: readonly TlsProfile[] = ['modern', 'tls13', 'compatible'];

/** Upstream proxies to go through. */
export interface ParentWay {
  group: string;
  /** Members in the order of the policy: `host:port`, or `https://host:port` for TLS with the proxy itself. */
  via: readonly string[];
  /** By what each flow gets an order of its own that stays; absent: the policy's order is tried from its beginning. */
  spread?: 'client' | 'host';
  /** Name of the secret whose credentials the members get; absent: none. */
  login?: string;
}

export interface Verdict {
  action: Action;
  /** Name of the rule, or `doubt:<condition>` or `default` when no rule decided. */
  rule: string;
  /** Version of the policy that decided: first 12 hex digits of its SHA-256. */
  policy: string;
  /** One sentence for people. */
  reason: string;
  capture: CaptureLevel;
  block: BlockKind;
  /** Absent: `standard`. Only beside `inspect`. */
  mask?: MaskProfile;
  /** The profile keeps unmasked originals. For decisions; records tell it in what was masked. */
  originals?: true;
  /** Absent: `modern`. Only beside `inspect`. */
  tls?: TlsProfile;
  /** Absent: straight to the origin. Never beside `block`. */
  parent?: ParentWay;
}

/** Conditions of doubt: named, each with a default in the policy, never a fall-through (DESIGN §4.5). */
export const DOUBTS = [
  'malformed-hello',
  'hello-timeout',
  'not-tls',
  'no-sni',
  'sni-mismatch',
  'connect-ip',
  'ech-front',
  'host-mismatch',
] as const;
export type Doubt = (typeof DOUBTS)[number];

/** Strictest first: when several names of one flow meet several verdicts, the lowest index wins (requirement S1). */
const STRICTNESS: readonly Action[] = ['block', 'inspect', 'passthrough'];

/** The stricter of two verdicts; of two that say the same the one that masks more; else the first. */
export function stricter(a: Verdict, b: Verdict): Verdict {
  if (a.action === b.action) {
    if (a.originals === true && b.originals !== true) return b;
    return b.mask === 'strict' && a.mask !== 'strict' ? b : a;
  }
  return STRICTNESS.indexOf(b.action) < STRICTNESS.indexOf(a.action) ? b : a;
}

/**
 * `late` on the way that `first` chose: what is decided when the connection to the origin is there already names neither TLS
 * profile nor parent, whatever its own rule would have chosen for a connection of its own.
 */
export function sameWay(late: Verdict, first: Verdict | null): Verdict {
  if (late.action === 'block' || first === null) return late;
  // Nearly always: the same object again, since records are cheaper where verdicts are the same.
  if (late.tls === first.tls && late.parent === first.parent) return late;
  const { tls: _tls, parent: _parent, ...rest } = late;
  return {
    ...rest,
    ...(first.tls === undefined || late.action !== 'inspect' ? {} : { tls: first.tls }),
    ...(first.parent === undefined ? {} : { parent: first.parent }),
  };
}

/** How a verdict is carried out beside what it records: as rows keep it, with the defaults written out. */
export interface Manner {
  /** Null where nothing is recorded of what flows inside: beside `passthrough` and `block`. */
  mask: MaskProfile | null;
  /** Null where we do no TLS with the origin. */
  tls: TlsProfile | null;
  /** Name of the parent group; null for straight to the origin. */
  parent: string | null;
}

/** The manner of a verdict; `scheme` is the flow's, since plain HTTP has no TLS profile. */
export function mannerOf(verdict: Verdict, scheme: 'http' | 'https' | null): Manner {
  const inspected = verdict.action === 'inspect';
  return {
    mask: inspected ? (verdict.mask ?? 'standard') : null,
    tls: inspected && scheme !== 'http' ? (verdict.tls ?? 'modern') : null,
    parent: verdict.parent?.group ?? null,
  };
}
