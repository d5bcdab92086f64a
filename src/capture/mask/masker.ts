/**
 * A masking profile made ready: what the records of exchanges are written with. One per profile, used for every exchange
 * of it; `Maskers` keeps those of the policy in force.
 *
 * A name that no policy of this process has defined is masked as `strict`: a record must never hold more because a
 * profile went missing.
 */
import type { MaskedItem, MaskingProfile, MaskPlace } from '../../core/masking.ts';
import { STANDARD_PROFILE, STRICT_PROFILE } from '../../core/masking.ts';
import type { Field } from '../../wire/http1/index.ts';
import type { TapResult } from '../body.ts';
import type { Look, QueryMask } from '../mask.ts';
import { maskHeaders, maskPath, queryMask, STRICT } from '../mask.ts';
import type { BodyHead, BodyTools } from './body.ts';
import { maskBody, maskText } from './body.ts';
import { SecretNames } from './names.ts';
import { CHARACTERS, TextScanner } from './text.ts';

/** Counts what was masked in one exchange. */
export class Tally {
  readonly items: MaskedItem[] = [];

  add(where: MaskPlace, what: string): void {
    const item = this.items.find(i => i.where === where && i.what === what);
    if (item === undefined) this.items.push({ where, what, count: 1 });
    else item.count++;
  }
}

/** Applies one profile. */
export class Masker implements Look, BodyTools {
  readonly profile: MaskingProfile;
  readonly names: SecretNames;
  readonly scanner: TextScanner;
  readonly byName: boolean;
  readonly headers: ReadonlySet<string>;
  readonly #keys: QueryMask;
  readonly #scans: boolean;
  /** Where the exchange under way is looked at; masking never waits, so one at a time is enough. */
  #tally: Tally | null = null;
  #where: MaskPlace = 'path';
  readonly #note = (what: string): void => this.#tally?.add(this.#where, what);

  /** `keys`: the query keys of the settings. */
  constructor(profile: MaskingProfile, keys: readonly string[]) {
    this.profile = profile;
    this.names = new SecretNames(profile.fields);
    this.scanner = new TextScanner(profile);
    const open = profile.originals !== null;
    const on = new Set(open ? [] : profile.detectors);
    this.byName = on.has('headers');
    this.headers = new Set(profile.headers);
    if (open) this.#keys = queryMask([]);
    else if (profile.basedOn === 'strict') this.#keys = STRICT;
    else this.#keys = queryMask(on.has('query') ? [...keys, ...profile.query] : []);
    this.#scans =
      !open &&
      (on.has('card') ||
        on.has('iban') ||
        on.has('token') ||
        profile.national.length > 0 ||
        Object.keys(profile.patterns).length > 0);
  }

  /** The request target as the record keeps it. */
  path(target: string, tally: Tally | null = null): string {
    this.#turnTo('path', tally);
    if (this.profile.originals !== null) tally?.add('path', 'originals');
    return maskPath(target, this.#keys, this);
  }

  /** A head as the record keeps it: one `name: value\r\n` per field. */
  head(fields: readonly Field[], where: 'req-head' | 'res-head', tally: Tally): string {
    this.#turnTo(where, tally);
    if (this.profile.originals !== null) tally.add(where, 'originals');
    return maskHeaders(fields, this.#keys, this);
  }

  /** A captured body as it may be stored. */
  body(tap: TapResult, head: BodyHead, where: 'req-body' | 'res-body', tally: Tally): TapResult {
    if (tap.kept !== null && this.profile.originals !== null) tally.add(where, 'originals');
    return maskBody(tap, head, this, what => {
      tally.add(where, what);
    });
  }

  /** A text that came another way, such as a message of a WebSocket. `cut`: it goes on behind its end. */
  text(text: string, where: 'req-body' | 'res-body', tally: Tally, cut = false): string {
    if (this.profile.originals !== null) return text;
    const found = (what: string): void => {
      tally.add(where, what);
    };
    return maskText(text, null, this, found, CHARACTERS, cut);
  }

  // ── what `mask.ts` asks ────────────────────────────────────────────────────────────────────────────────────

  scan(text: string): string {
    if (!this.#scans || text.length < MIN_SCAN) return text;
    return this.scanner.scan(text, this.#note, HEAD_SCAN);
  }

  found(what: 'headers' | 'query'): void {
    this.#tally?.add(this.#where, what);
  }

  #turnTo(where: MaskPlace, tally: Tally | null): void {
    this.#where = where;
    this.#tally = tally;
  }
}

/** Nothing that has a form of its own is shorter. */
const MIN_SCAN = 4;
const HEAD_SCAN = { view: CHARACTERS };

/** Profiles by name, made ready when they are first needed. */
export class Maskers {
  readonly #keys: readonly string[];
  readonly #named: (name: string) => MaskingProfile | undefined;
  readonly #standard: Masker;
  readonly #strict: Masker;
  readonly #ready = new WeakMap<MaskingProfile, Masker>();

  /** `keys`: the setting `capture.mask-query`; `named`: profiles of the policy. */
  constructor(
    keys: readonly string[],
    named: (name: string) => MaskingProfile | undefined = () => undefined,
  ) {
    this.#keys = keys;
    this.#named = named;
    this.#standard = new Masker(STANDARD_PROFILE, keys);
    this.#strict = new Masker(STRICT_PROFILE, keys);
  }

  /** The masker of a verdict's `mask`; absent means `standard`. */
  of(name: string | undefined): Masker {
    if (name === undefined) return this.#standard;
    const profile = this.#named(name);
    if (profile === undefined) return name === 'standard' ? this.#standard : this.#strict;
    let masker = this.#ready.get(profile);
    if (masker === undefined) {
      masker = new Masker(profile, this.#keys);
      this.#ready.set(profile, masker);
    }
    return masker;
  }
}
