/**
 * A second, naive evaluator of policy documents, written from docs/policy.md and sharing no code with src/policy beyond
 * types and the parsing of networks: the judge for the property tests. Slow and plain on purpose.
 */
import type { FlowFacts } from '../../src/core/facts.ts';
import { inNetworks, parseNetwork } from '../../src/core/network.ts';
import type { Action } from '../../src/core/verdict.ts';
import type { Condition, PolicyDocument } from '../../src/policy/rule.ts';

export interface Judgement {
  action: Action;
  rule: string;
}

export function judge(facts: FlowFacts, document: PolicyDocument): Judgement {
  const { doubt } = document;
  const sni = facts.hello?.sni ?? null;
  const block = (which: string): Judgement => ({ action: 'block', rule: `doubt:${which}` });
  const rulesOn = (name: string | null): Judgement => firstMatch(facts, document, name);
  const onHost = (): Judgement => rulesOn(facts.hostKind === 'name' ? facts.host : null);
  const unlessBlocked = (which: string, action: Action, by: Judgement): Judgement =>
    by.action === 'block' || by.action === action ? by : { action, rule: `doubt:${which}` };

  if (facts.outcome === 'malformed') return block('malformed-hello');
  if (facts.outcome === 'timed-out') return block('hello-timeout');
  if (facts.outcome === 'none') return onHost();
  if (facts.outcome === 'not-tls')
    return doubt['not-tls'] === 'block'
      ? block('not-tls')
      : unlessBlocked('not-tls', 'passthrough', onHost());
  if (sni === null) {
    if (doubt['no-sni'] === 'block') return block('no-sni');
    if (doubt['no-sni'] === 'rules') return onHost();
    return unlessBlocked('no-sni', doubt['no-sni'] as Action, onHost());
  }
  if (facts.hello?.ech === 'grease-or-real' && document.echFronts.includes(sni)) {
    if (doubt['ech-front'] === 'block') return block('ech-front');
    const by = facts.hostKind === 'name' ? onHost() : rulesOn(sni);
    if (doubt['ech-front'] === 'inspect') return unlessBlocked('ech-front', 'inspect', by);
    return facts.hostKind === 'name' ? strictest(by, rulesOn(sni)) : by;
  }
  if (facts.hostKind === 'ip') {
    if (doubt['connect-ip'] === 'block') return block('connect-ip');
    const by = rulesOn(sni);
    if (doubt['connect-ip'] === 'inspect') return unlessBlocked('connect-ip', 'inspect', by);
    return doubt['connect-ip'] === 'rules' && by.action === 'passthrough' ? block('connect-ip') : by;
  }
  if (sni === facts.host) return rulesOn(sni);
  return doubt['sni-mismatch'] === 'block' ? block('sni-mismatch') : strictest(onHost(), rulesOn(sni));
}

function strictest(a: Judgement, b: Judgement): Judgement {
  const order = ['block', 'inspect', 'passthrough'];
  return order.indexOf(b.action) < order.indexOf(a.action) ? b : a;
}

function firstMatch(facts: FlowFacts, document: PolicyDocument, name: string | null): Judgement {
  for (const rule of document.rules) {
    if (rule.expires !== null && rule.expires <= facts.now) continue;
    if (rule.rollout !== null && share(`${rule.name}\n${facts.client}`) >= rule.rollout) continue;
    if (!asked(rule.when, facts)) continue;
    if (rule.when === null || holds(rule.when, facts, name, document))
      return { action: rule.action, rule: rule.name };
  }
  return { action: document.default.action, rule: 'default' };
}

function holds(c: Condition, facts: FlowFacts, name: string | null, document: PolicyDocument): boolean {
  const hello = facts.hello;
  switch (c.test) {
    case 'all':
      return c.of.every(x => holds(x, facts, name, document));
    case 'any':
      return c.of.some(x => holds(x, facts, name, document));
    case 'not':
      return !holds(c.of, facts, name, document);
    case 'host': {
      const lists = c.lists.flatMap(l => {
        const source = document.lists[l];
        return source?.kind === 'inline' ? source.domains : [];
      });
      const covered = name !== null && [...c.patterns, ...lists].some(p => covers(p, name));
      return covered || (facts.hostKind === 'ip' && inAny(facts.host, c.networks));
    }
    case 'client':
      return inAny(facts.client, c.networks);
    case 'user': {
      const user = facts.user?.toLowerCase();
      return user !== undefined && (c.values.includes('*') || c.values.includes(user));
    }
    case 'group':
      return c.values.some(v => facts.groups.map(g => g.toLowerCase()).includes(v));
    case 'listener':
      return c.values.some(
        v => facts.listener.toLowerCase() === v || (v.startsWith(':') && facts.listener.endsWith(v)),
      );
    case 'port':
      return c.ranges.some(([from, to]) => from <= facts.port && facts.port <= to);
    case 'ingress':
      return c.values.includes(facts.ingress);
    case 'scheme':
      return c.values.includes(facts.scheme);
    case 'alpn':
      return hello !== null && hello.alpn.some(a => c.values.includes(a));
    case 'tls-version':
      return hello !== null && c.values.includes([...hello.versions].sort().reverse()[0] ?? '');
    case 'ja3':
    case 'ja4': {
      const print = hello?.[c.test];
      return (
        print !== undefined &&
        c.values.some(v => (v.endsWith('*') ? print.startsWith(v.slice(0, -1)) : print === v))
      );
    }
    case 'ech':
      return c.values.includes(hello?.ech ?? 'none');
    case 'no-sni':
      return (hello !== null && hello.sni === null) === c.value;
    case 'sni-mismatch':
      return (
        (hello !== null && hello.sni !== null && facts.hostKind === 'name' && hello.sni !== facts.host) ===
        c.value
      );
    case 'origin-issuer':
      return c.values.some(v => wild(v.toLowerCase(), facts.origin?.issuer.toLowerCase()));
    case 'origin-subject':
      return c.values.some(v => wild(v.toLowerCase(), facts.origin?.subject.toLowerCase()));
    case 'origin-fault':
      return c.values.some(v =>
        v === 'none'
          ? facts.origin?.fault === null
          : v === '*'
            ? (facts.origin?.fault ?? null) !== null
            : v === facts.origin?.fault,
      );
    case 'method':
      return c.values.includes(facts.request?.method ?? '');
    case 'path':
      return c.values.some(v => wild(v, facts.request?.path));
    case 'content-type':
      return c.values.some(v => wild(v.toLowerCase(), facts.request?.contentType?.toLowerCase()));
    case 'time': {
      const words = new Intl.DateTimeFormat('en-GB', {
        timeZone: c.zone,
        weekday: 'short',
        hour: 'numeric',
        minute: 'numeric',
      }).format(facts.now);
      const m = /^(\w{3})\D+(\d+):(\d+)$/.exec(words);
      const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(m?.[1] ?? '');
      const minute = Number(m?.[2]) * 60 + Number(m?.[3]);
      if (c.from < c.to) return c.days.includes(day) && c.from <= minute && minute < c.to;
      return (c.days.includes(day) && minute >= c.from) || (c.days.includes((day + 6) % 7) && minute < c.to);
    }
  }
}

/** Place of a client in a rollout, 0 to 99.99: FNV-1a of rule and client, stirred, in numbers that never overflow. */
function share(key: string): number {
  const word = (n: bigint): bigint => n & 0xffffffffn;
  let h = 0x811c9dc5n;
  for (const unit of key.split('')) h = word((h ^ BigInt(unit.charCodeAt(0))) * 0x01000193n);
  h = word((h ^ (h >> 16n)) * 0x7feb352dn);
  h = word((h ^ (h >> 15n)) * 0x846ca68bn);
  h ^= h >> 16n;
  return Number(h % 10_000n) / 100;
}

/** A rule that looks at the origin or at a request anywhere is not asked before there is one. */
function asked(c: Condition | null, facts: FlowFacts): boolean {
  const text = JSON.stringify(c);
  if (/"test":"origin-/.test(text) && facts.origin === undefined) return false;
  return !/"test":"(?:method|path|content-type)"/.test(text) || facts.request !== undefined;
}

function wild(pattern: string, text: string | null | undefined): boolean {
  if (text === null || text === undefined) return false;
  const source = pattern.split('*').map(part => part.replace(/[^\w]/g, '\\$&'));
  return new RegExp(`^${source.join('[^]*')}$`).test(text);
}

function covers(pattern: string, name: string): boolean {
  if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1));
  if (pattern.startsWith('.')) return name === pattern.slice(1) || name.endsWith(pattern);
  return name === pattern;
}

function inAny(address: string, networks: string[]): boolean {
  return networks.some(text => {
    const network = parseNetwork(text);
    return network !== null && inNetworks(address, [network]);
  });
}
