/**
 * What one evaluation looks at: the facts of the flow and the one name the rules run on. Expensive views of the facts
 * (client as a number, local time, matches of the name) are worked out when a rule first asks and then kept.
 *
 * One context belongs to one compiled policy and is used again for every flow; evaluation is synchronous, so nothing
 * else can come between. Nothing here grows with traffic: the arrays have one place per host test and per list.
 */
import type { FlowFacts } from '../core/facts.ts';
import { addressText, inNetworks, parseAddress, parseNetwork } from '../core/network.ts';
import type { Network } from '../core/network.ts';
import type { DomainSet } from './domain-set.ts';
import type { Pattern } from './pattern.ts';

/** Which host tests cover a name, asked once per name for all rules together instead of once per rule. */
export class HostIndex {
  readonly #exact = new Map<string, number[]>();
  readonly #below = new Map<string, number[]>();
  #tests = 0;

  /** Register the patterns of one test; the number returned is what `Context.covers` takes. */
  add(patterns: readonly Pattern[]): number {
    const test = this.#tests++;
    for (const { name, match } of patterns) {
      if (match !== 'subdomains') push(this.#exact, name, test);
      if (match !== 'exact') push(this.#below, name, test);
    }
    return test;
  }

  get tests(): number {
    return this.#tests;
  }

  /** Write `mark` into the place of every test that covers `name`, and add those tests to `found`. */
  mark(name: string, marks: Uint32Array, mark: number, found: number[]): void {
    const add = (tests: readonly number[]): void => {
      for (const test of tests) {
        if (marks[test] !== mark) found.push(test);
        marks[test] = mark;
      }
    };
    const exact = this.#exact.get(name);
    if (exact !== undefined) add(exact);
    if (this.#below.size === 0) return;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const below = this.#below.get(name.slice(dot + 1));
      if (below !== undefined) add(below);
    }
  }
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else if (list[list.length - 1] !== value) list.push(value);
}

/** Networks of both families, IPv4 as numbers: client rules are asked on every flow. */
export class NetworkTest {
  readonly #four: { base: number; mask: number }[] = [];
  readonly #six: Network[] = [];

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const network = parseNetwork(text);
      if (network === null) throw new Error(`"${text}" is no network`);
      const [address, length] = network;
      const four = fourNumber(address.toString());
      if (four === null) this.#six.push(network);
      else this.#four.push({ base: four, mask: length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0 });
    }
  }

  holds(address: NumericAddress): boolean {
    if (typeof address === 'number') {
      for (const { base, mask } of this.#four) if ((address & mask) >>> 0 === base) return true;
      return false;
    }
    if (address === null || this.#six.length === 0) return false;
    return inNetworks(address, this.#six);
  }
}

/** IPv4 as an unsigned number, IPv6 as text, null for what is no address. */
export type NumericAddress = number | string | null;

export function numericAddress(text: string): NumericAddress {
  const four = fourNumber(text);
  if (four !== null) return four;
  if (parseAddress(text) === null) return null;
  const canonical = addressText(text);
  return fourNumber(canonical) ?? canonical;
}

function fourNumber(text: string): number | null {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i === text.length ? 46 : text.charCodeAt(i);
    if (c === 46) {
      if (digits === 0 || octet > 255) return null;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      dots++;
    } else if (c >= 48 && c <= 57 && digits < 3) {
      octet = octet * 10 + c - 48;
      digits++;
    } else return null;
  }
  return dots === 4 ? value : null;
}

/** Local weekday and minute in one time zone. Asking Intl costs microseconds, so the answer is kept for its minute. */
export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;
  #minute = NaN;
  #day = 0;
  #minuteOfDay = 0;

  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  }

  /** Weekday 0 (Sunday) to 6 and minute of the day at `now` (ms since epoch). */
  at(now: number): { day: number; minute: number } {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) {
      let hours = 0;
      let minutes = 0;
      for (const part of this.#format.formatToParts(minute * 60_000)) {
        if (part.type === 'weekday') this.#day = WEEKDAYS.indexOf(part.value);
        else if (part.type === 'hour') hours = Number(part.value);
        else if (part.type === 'minute') minutes = Number(part.value);
      }
      this.#minute = minute;
      this.#minuteOfDay = hours * 60 + minutes;
    }
    return { day: this.#day, minute: this.#minuteOfDay };
  }
}

export const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

const NONE: readonly number[] = [];

const NO_FACTS: FlowFacts = {
  now: 0,
  client: '',
  user: null,
  groups: [],
  listener: '',
  ingress: 'connect',
  scheme: 'https',
  host: '',
  hostKind: 'name',
  port: 0,
  outcome: 'none',
  hello: null,
};

export class Context {
  facts: FlowFacts = NO_FACTS;
  /** Canonical name the rules run on, or null when only an address is known. */
  name: string | null = null;
  /** Address that was asked for, when it was one. */
  address: NumericAddress = null;

  readonly #index: HostIndex;
  readonly #sets: readonly DomainSet[];
  readonly #marks: Uint32Array;
  /** Per list: twice the current mark when it misses, plus one when it covers the name. */
  readonly #listMarks: Float64Array;
  #mark = 0;
  #marked = false;
  readonly #covering: number[] = [];
  #client: NumericAddress | undefined;

  constructor(index: HostIndex, sets: readonly DomainSet[]) {
    this.#index = index;
    this.#sets = sets;
    this.#marks = new Uint32Array(index.tests);
    this.#listMarks = new Float64Array(sets.length);
  }

  /** Turn to another flow or another name of it. */
  turnTo(facts: FlowFacts, name: string | null, address: string | null): void {
    this.#client = undefined;
    this.facts = facts;
    this.name = name;
    this.address = address === null ? null : numericAddress(address);
    this.#marked = false;
    if (++this.#mark === 0xffffffff) {
      this.#marks.fill(0);
      this.#listMarks.fill(0);
      this.#mark = 1;
    }
  }

  get client(): NumericAddress {
    this.#client ??= numericAddress(this.facts.client);
    return this.#client;
  }

  /** Whether host test `test` of the index covers the name. */
  covers(test: number): boolean {
    if (this.name === null) return false;
    if (!this.#marked) this.#cover(this.name);
    return this.#marks[test] === this.#mark;
  }

  /** All host tests that cover the name, in no order; valid until the next turn. */
  covering(): readonly number[] {
    if (this.name === null) return NONE;
    if (!this.#marked) this.#cover(this.name);
    return this.#covering;
  }

  #cover(name: string): void {
    this.#marked = true;
    this.#covering.length = 0;
    this.#index.mark(name, this.#marks, this.#mark, this.#covering);
  }

  /** Whether list number `list` covers the name. */
  inList(list: number): boolean {
    if (this.name === null) return false;
    const known = this.#listMarks[list];
    if (known === this.#mark * 2 + 1) return true;
    if (known === this.#mark * 2) return false;
    const covered = this.#sets[list]?.match(this.name) === true;
    this.#listMarks[list] = this.#mark * 2 + (covered ? 1 : 0);
    return covered;
  }
}
