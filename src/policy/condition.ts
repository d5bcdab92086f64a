/**
 * Conditions made fast: each becomes a test with two methods, one that answers and one that says why the answer was no.
 * `decide` uses the first, `explain` both, so they cannot disagree.
 */
import { NetworkTest, WEEKDAYS, ZoneClock } from './context.ts';
import type { Context, HostIndex } from './context.ts';
import { parsePattern } from './pattern.ts';
import type { Condition } from './rule.ts';

export interface Test {
  holds(c: Context): boolean;
  /** One clause for people; meaningful when `holds` is false. */
  why(c: Context): string;
  /** Where the name must be covered for the test to hold at all; absent where it may hold without. */
  gate?: HostGate;
}

/** A host test and lists, one of which must cover the name. */
export interface HostGate {
  /** Number in the host index; -1 for none. */
  test: number;
  /** Numbers of lists. */
  lists: readonly number[];
}

/** What compiling a condition needs to know about the document around it. */
export interface Surroundings {
  index: HostIndex;
  /** Number of each list by its name. */
  lists: ReadonlyMap<string, number>;
  /** One clock per zone for the whole policy. */
  clocks: Map<string, ZoneClock>;
}

/** Compile one condition. Throws Error for a list that does not exist: parsing has excluded it. */
export function compileCondition(condition: Condition, around: Surroundings): Test {
  switch (condition.test) {
    case 'all':
      return all(condition.of.map(c => compileCondition(c, around)));
    case 'any':
      return any(condition.of.map(c => compileCondition(c, around)));
    case 'not':
      return not(compileCondition(condition.of, around), condition.of);
    case 'host':
      return host(condition, around);
    case 'client':
      return client(condition.networks);
    case 'user': {
      const users = new Set(condition.values);
      const anyone = users.has('*');
      return {
        holds: c => c.facts.user !== null && (anyone || users.has(c.facts.user.toLowerCase())),
        why: c =>
          c.facts.user === null ? 'no user is known' : `user ${c.facts.user} is not ${few(condition.values)}`,
      };
    }
    case 'group': {
      const groups = new Set(condition.values);
      return {
        holds: c => c.facts.groups.some(g => groups.has(g.toLowerCase())),
        why: c => `groups (${few(c.facts.groups)}) do not include ${few(condition.values)}`,
      };
    }
    case 'listener': {
      const { values } = condition;
      return {
        holds: c => values.some(v => matchesListener(v, c.facts.listener.toLowerCase())),
        why: c => `listener ${c.facts.listener} is not ${few(values)}`,
      };
    }
    case 'port': {
      const { ranges } = condition;
      return {
        holds: c => ranges.some(([from, to]) => c.facts.port >= from && c.facts.port <= to),
        why: c =>
          `port ${c.facts.port} is not ${few(ranges.map(([f, t]) => (f === t ? `${f}` : `${f}-${t}`)))}`,
      };
    }
    case 'ingress':
      return oneOf('ingress', condition.values, c => c.facts.ingress);
    case 'scheme':
      return oneOf('scheme', condition.values, c => c.facts.scheme);
    case 'tls-version':
      return oneOf('highest TLS version', condition.values, c => highestVersion(c));
    case 'alpn': {
      const wanted = new Set(condition.values);
      return {
        holds: c => c.facts.hello?.alpn.some(a => wanted.has(a)) === true,
        why: c => `ALPN (${few(c.facts.hello?.alpn ?? [])}) does not offer ${few(condition.values)}`,
      };
    }
    case 'ja3':
    case 'ja4': {
      const { test, values } = condition;
      const whole = new Set(values.filter(v => !v.endsWith('*')));
      const starts = values.filter(v => v.endsWith('*')).map(v => v.slice(0, -1));
      return {
        holds: c => {
          const print = c.facts.hello?.[test].toLowerCase();
          return print !== undefined && (whole.has(print) || starts.some(s => print.startsWith(s)));
        },
        why: c => `${test.toUpperCase()} ${c.facts.hello?.[test] ?? 'unknown'} is not ${few(values)}`,
      };
    }
    case 'ech':
      return oneOf('ECH', condition.values, c => c.facts.hello?.ech ?? 'none');
    case 'no-sni':
      return {
        holds: c => (c.facts.hello !== null && c.facts.hello.sni === null) === condition.value,
        why: c =>
          condition.value ? `the hello names ${c.facts.hello?.sni ?? 'nothing'}` : 'the hello has no SNI',
      };
    case 'sni-mismatch':
      return {
        holds: c => isMismatch(c) === condition.value,
        why: () => (condition.value ? 'SNI and host asked for agree' : 'SNI and host asked for differ'),
      };
    case 'time':
      return time(condition, around);
    case 'origin-issuer':
      return glob('issuer of the origin', condition.values, 'i', c => c.facts.origin?.issuer ?? null);
    case 'origin-subject':
      return glob('subject of the origin', condition.values, 'i', c => c.facts.origin?.subject ?? null);
    case 'origin-fault': {
      const faults = new Set(condition.values);
      return {
        holds: c => {
          const origin = c.facts.origin;
          if (origin === undefined) return false;
          return origin.fault === null ? faults.has('none') : faults.has('*') || faults.has(origin.fault);
        },
        why: c => `the origin's fault (${c.facts.origin?.fault ?? 'none'}) is not ${few(condition.values)}`,
      };
    }
    case 'method':
      return oneOf('method', condition.values, c => c.facts.request?.method ?? 'unknown');
    case 'path':
      return glob('path', condition.values, '', c => c.facts.request?.path ?? null);
    case 'content-type':
      return glob('content type', condition.values, 'i', c => c.facts.request?.contentType ?? null);
  }
}

/** Texts with stars that stand for anything. */
function glob(
  what: string,
  values: readonly string[],
  flags: '' | 'i',
  read: (c: Context) => string | null,
): Test {
  const fold = (text: string): string => (flags === 'i' ? text.toLowerCase() : text);
  const parts = values.map(v => fold(v).split('*'));
  return {
    holds: c => {
      const text = read(c);
      return text !== null && parts.some(p => matchesParts(p, fold(text)));
    },
    why: c => `${what} ${read(c) ?? 'unknown'} is not ${few(values)}`,
  };
}

/** The parts between stars in order: first at the beginning, last at the end, each as early as it can be. Linear. */
function matchesParts(parts: readonly string[], text: string): boolean {
  const first = parts[0] ?? '';
  if (parts.length === 1) return text === first;
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function all(tests: Test[]): Test {
  const gate = tests.find(t => t.gate !== undefined)?.gate;
  return {
    ...(gate === undefined ? {} : { gate }),
    holds: c => {
      for (const t of tests) if (!t.holds(c)) return false;
      return true;
    },
    why: c => tests.find(t => !t.holds(c))?.why(c) ?? 'all hold',
  };
}

function any(tests: Test[]): Test {
  return {
    holds: c => {
      for (const t of tests) if (t.holds(c)) return true;
      return false;
    },
    why: c => tests.map(t => t.why(c)).join(', and '),
  };
}

function not(inner: Test, condition: Condition): Test {
  return { holds: c => !inner.holds(c), why: () => `excluded by not: ${conditionText(condition)}` };
}

function host(condition: Extract<Condition, { test: 'host' }>, around: Surroundings): Test {
  const patterns = condition.patterns.map(text => {
    const p = parsePattern(text, { allowPublicSuffix: true });
    if (p.ok === undefined) throw new Error(`"${text}" is no pattern: ${p.error}`);
    return p.ok;
  });
  const test = patterns.length === 0 ? -1 : around.index.add(patterns);
  const lists = condition.lists.map(name => {
    const number = around.lists.get(name);
    if (number === undefined) throw new Error(`there is no list "${name}"`);
    return number;
  });
  const networks = condition.networks.length === 0 ? null : new NetworkTest(condition.networks);
  return {
    // An address that was asked for has no name that could be covered.
    ...(networks === null ? { gate: { test, lists } } : {}),
    holds: c => {
      if (test >= 0 && c.covers(test)) return true;
      for (const list of lists) if (c.inList(list)) return true;
      return networks !== null && networks.holds(c.address);
    },
    why: c => `host ${c.name ?? c.facts.host} is not in ${few(hostWords(condition))}`,
  };
}

function hostWords(condition: Extract<Condition, { test: 'host' }>): string[] {
  return [...condition.patterns, ...condition.lists.map(l => `list:${l}`), ...condition.networks];
}

function client(texts: string[]): Test {
  const networks = new NetworkTest(texts);
  return {
    holds: c => networks.holds(c.client),
    why: c => `client ${c.facts.client} is not in ${few(texts)}`,
  };
}

function oneOf(what: string, values: readonly string[], read: (c: Context) => string): Test {
  const set = new Set(values);
  return { holds: c => set.has(read(c)), why: c => `${what} ${read(c)} is not ${few(values)}` };
}

/** Clients list versions as they like; policies care about the best one. */
function highestVersion(c: Context): string {
  let best = 'unknown';
  for (const v of c.facts.hello?.versions ?? [])
    if (v.startsWith('TLS ') && (best === 'unknown' || v > best)) best = v;
  return best;
}

function isMismatch(c: Context): boolean {
  const sni = c.facts.hello?.sni ?? null;
  return sni !== null && c.facts.hostKind === 'name' && sni !== c.facts.host;
}

function matchesListener(wanted: string, listener: string): boolean {
  return wanted.startsWith(':') ? listener.endsWith(wanted) : wanted === listener;
}

function time(condition: Extract<Condition, { test: 'time' }>, around: Surroundings): Test {
  const { from, to, zone } = condition;
  const days = new Set(condition.days);
  const clock = around.clocks.get(zone) ?? new ZoneClock(zone);
  around.clocks.set(zone, clock);
  const holds = (c: Context): boolean => {
    const { day, minute } = clock.at(c.facts.now);
    if (to > from) return days.has(day) && minute >= from && minute < to;
    // Over midnight: the hours after it belong to the evening before.
    if (minute >= from) return days.has(day);
    return minute < to && days.has((day + 6) % 7);
  };
  return {
    holds,
    why: c => {
      const { day, minute } = clock.at(c.facts.now);
      return `it is ${WEEKDAYS[day] ?? ''} ${clockText(minute)} in ${zone}, outside ${conditionText(condition)}`;
    },
  };
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** A condition in one line, for explanations and reports. */
export function conditionText(condition: Condition): string {
  switch (condition.test) {
    case 'all':
    case 'any':
      return `${condition.test}(${condition.of.map(conditionText).join('; ')})`;
    case 'not':
      return `not(${conditionText(condition.of)})`;
    case 'host':
      return `host ${few(hostWords(condition))}`;
    case 'client':
      return `client ${few(condition.networks)}`;
    case 'port':
      return `port ${few(condition.ranges.map(([f, t]) => (f === t ? `${f}` : `${f}-${t}`)))}`;
    case 'no-sni':
    case 'sni-mismatch':
      return `${condition.test} ${condition.value}`;
    case 'time': {
      const days =
        condition.days.length === 7 ? 'daily' : condition.days.map(d => WEEKDAYS[d] ?? '').join(' ');
      return `${days} ${clockText(condition.from)}-${clockText(condition.to)} ${condition.zone}`;
    }
    default:
      return `${condition.test} ${few(condition.values)}`;
  }
}

/** A bounded enumeration. */
function few(values: readonly string[]): string {
  if (values.length === 0) return 'none';
  return values.length <= 5
    ? values.join(', ')
    : `${values.slice(0, 5).join(', ')} and ${values.length - 5} more`;
}
