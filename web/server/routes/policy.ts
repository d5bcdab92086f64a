/**
 * Reading the policy: what its rules did, why a connection would get its verdict, which versions there were and what
 * differs between them. Every look is a line in the trail. Counting runs at the desk; deciding one connection is quick
 * and happens here, by the very evaluation that decides traffic.
 */
import type { Request, Router } from 'express';
import type { FlowFacts } from '../../../src/core/facts.ts';
import { canonicalHost } from '../../../src/core/host-name.ts';
import { addressText, parseAddress } from '../../../src/core/network.ts';
import { parseExchangeRef, parseFlowRef } from '../../../src/audit/store/ids.ts';
import { parseTime, TIME_HINT } from '../../../src/audit/query/time.ts';
import { conditionText } from '../../../src/policy/condition.ts';
import { explain } from '../../../src/policy/explain.ts';
import type { PolicyVersion, VersionHead } from '../../../src/policy/versions.ts';
import { VersionError } from '../../../src/policy/versions.ts';
import { API } from '../../contract.ts';
import type {
  Action,
  DiffView,
  ExplainView,
  OtherHits,
  RuleRow,
  RulesView,
  VersionRow,
  VersionsView,
} from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller } from '../auth.ts';
import type { Caller } from '../auth.ts';
import type { ConsoleDeps, PolicyWork } from '../deps.ts';
import { countParam, notFound, textParam } from '../params.ts';
import { recordedFacts } from '../recorded-facts.ts';
import { ruleNotes } from '../rule-notes.ts';
import { atDesk, findingsInForce, policyPatch, workOf } from '../policy-work.ts';

/** Counting hits over everything that is stored may take long; the page does without them then. */
const HITS_LIMIT_MS = 20_000;
const HITS_KEPT_MS = 10_000;
/** Long lists are compared too. */
const DIFF_LIMIT_MS = 60_000;
const MAX_AFTER = 50;

type Hits = { rule: string; flows: number; last: number };

export function policyRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;
  const now = deps.now ?? Date.now;
  let counting: { key: string; at: number; hits: Promise<Hits[] | null> } | null = null;

  function look(req: Request, action: string, detail: Record<string, unknown>): Caller {
    const caller = requireCaller(req, sessions, 'policy');
    trail.append({ user: caller.session.user.name, address: caller.address, action, detail });
    return caller;
  }

  router.get(API.policyRules, async (req, res) => {
    requireCaller(req, sessions, 'policy');
    const span = textParam(req, 'since') ?? '30d';
    const since = parseTime(span, now());
    if (since === null)
      throw new ApiFailure('bad-request', `The parameter "since" is no time: ${span}.`, TIME_HINT);
    const work = workOf(deps);
    const { compiled, positions } = work.store.loaded();
    look(req, 'policy.rules-viewed', { version: compiled.version, since: span });
    const [counted, findings] = await Promise.all([
      hitsSince(work, span, since),
      findingsInForce(work, now(), deps.log),
    ]);
    const byRule = new Map<string, Hits>();
    for (const h of counted ?? []) {
      const known = byRule.get(h.rule);
      byRule.set(h.rule, {
        rule: h.rule,
        flows: (known?.flows ?? 0) + h.flows,
        last: Math.max(known?.last ?? 0, h.last),
      });
    }
    const rules = compiled.rules.map(r => r.rule);
    const hits = rules.map(r => (counted === null ? null : (byRule.get(r.name)?.flows ?? 0)));
    const names = new Set(rules.map(r => r.name));
    sendJson<RulesView>(res, {
      version: compiled.version,
      since: new Date(since).toISOString(),
      counted: counted !== null,
      rules: rules.map((rule, i): RuleRow => {
        const hit = byRule.get(rule.name);
        return {
          name: rule.name,
          line: positions.rules[i] ?? null,
          action: rule.action,
          when: rule.when === null ? null : conditionText(rule.when),
          capture: rule.capture,
          block: rule.block,
          owner: rule.owner,
          reason: rule.reason,
          expires: rule.expires === null ? null : new Date(rule.expires).toISOString(),
          rollout: rule.rollout,
          hits: hits[i] ?? null,
          last: hit === undefined ? null : new Date(hit.last).toISOString(),
          notes: ruleNotes(rule.name, hits[i] ?? null, findings),
        };
      }),
      others: [...byRule.values()]
        .filter(h => !names.has(h.rule))
        .slice(0, 200)
        .map((h): OtherHits => ({
          rule: h.rule,
          known: h.rule === 'default' || h.rule.startsWith('doubt:'),
          hits: h.flows,
          last: new Date(h.last).toISOString(),
        })),
    });
  });

  /** Several pages that ask within seconds share one count. Null when it cannot be had. */
  function hitsSince(work: PolicyWork, key: string, since: number): Promise<Hits[] | null> {
    const at = now();
    if (counting !== null && counting.key === key && at - counting.at < HITS_KEPT_MS) return counting.hits;
    const hits = work.desk
      .run({ do: 'hits', since, until: at + 1 }, { limit: HITS_LIMIT_MS })
      .catch((error: unknown) => {
        deps.log?.('console: the hits of rules cannot be counted', error);
        return null;
      });
    counting = { key, at, hits };
    return hits;
  }

  router.get(API.policyExplain, async (req, res) => {
    requireCaller(req, sessions, 'policy');
    const id = textParam(req, 'record', 60);
    if (id !== null) requireCaller(req, sessions, 'detail');
    const found = id === null ? null : await recordOf(deps.audit, id);
    const facts = found?.facts ?? factsOf(req, now());
    const { compiled } = workOf(deps).store.loaded();
    const asked = {
      sni: facts.hello?.sni ?? null,
      host: facts.host,
      port: facts.port,
      client: facts.client,
      user: facts.user,
      at: new Date(facts.now).toISOString(),
    };
    look(req, 'policy.explained', id === null ? asked : { ...asked, record: id });
    const told = explain(facts, compiled);
    const at = compiled.rules.findIndex(r => r.rule.name === told.rule);
    const rule = compiled.rules[at]?.rule;
    const after = at < 0 ? [] : compiled.rules.slice(at + 1).map(r => r.rule.name);
    sendJson<ExplainView>(res, {
      ...told,
      when: rule === undefined || rule.when === null ? null : conditionText(rule.when),
      after: after.slice(0, MAX_AFTER),
      afterCount: after.length,
      recorded: found?.recorded ?? null,
      asked,
    });
  });

  router.get(API.policyVersions, async (req, res) => {
    requireCaller(req, sessions, 'policy');
    const limit = countParam(req, 'limit', 50, 1, 500);
    const { versions, store } = workOf(deps);
    look(req, 'policy.versions-viewed', {});
    const heads = await versions.list(limit);
    const current = heads[0]?.version === store.loaded().compiled.version ? (heads[0]?.n ?? null) : null;
    sendJson<VersionsView>(res, { versions: heads.map(versionRow), current });
  });

  router.get(API.policyDiff, async (req, res) => {
    requireCaller(req, sessions, 'policy');
    const work = workOf(deps);
    const { versions } = work;
    const [from, to] = [await versionOf(versions, req, 'from'), await versionOf(versions, req, 'to')];
    look(req, 'policy.diff-viewed', { from: from.n, to: to.n });
    const changes = await atDesk(work, { do: 'diff', from: from.n, to: to.n }, DIFF_LIMIT_MS);
    sendJson<DiffView>(res, {
      from: label(from),
      to: label(to),
      changes,
      diff: await policyPatch(work, from.text, to.text),
    });
  });
}

/** A recorded flow or exchange: its facts, and how it was decided then. */
async function recordOf(
  audit: ConsoleDeps['audit'],
  id: string,
): Promise<{ facts: FlowFacts; recorded: NonNullable<ExplainView['recorded']> }> {
  const [flowId = '', n] = id.split('.');
  if ((n === undefined ? parseFlowRef(id) : parseExchangeRef(id)) === null)
    throw new ApiFailure('bad-request', 'That is no id of a record.', 'Copy it from the traffic page.');
  const [flow, exchange] = await Promise.all([
    audit.flow(flowId, 1),
    n === undefined ? null : audit.exchange(id),
  ]);
  const facts = flow === null ? null : recordedFacts(flow.record, exchange);
  if (facts === null || flow === null || (n !== undefined && exchange === null)) throw notFound();
  const verdict = exchange ?? flow.record.verdict;
  const action = exchange?.verdict ?? flow.record.verdict?.action;
  if (verdict === null || action === undefined) throw notFound();
  const { rule, policy } = verdict;
  return { facts, recorded: { id, verdict: action as Action, rule, policy } };
}

/** A version by the number in a parameter. */
async function versionOf(
  versions: PolicyWork['versions'],
  req: Request,
  name: string,
): Promise<PolicyVersion> {
  const which = textParam(req, name) ?? '';
  if (!/^\d{1,9}$/.test(which))
    throw new ApiFailure('bad-request', `The parameter "${name}" is the number of a version.`, 'Choose one.');
  return versionByNumber(versions, which);
}

export async function versionByNumber(versions: PolicyWork['versions'], n: string): Promise<PolicyVersion> {
  try {
    return await versions.get(n);
  } catch (error) {
    if (!(error instanceof VersionError)) throw error;
    throw new ApiFailure('not-found', `Version ${n} cannot be read.`, 'Choose another version.');
  }
}

function label(version: PolicyVersion): string {
  return `version ${version.n} (${version.version})`;
}

function versionRow({ n, version, time, origin, author, comment, changes }: VersionHead): VersionRow {
  return { n, version, time, origin, author, comment, changes };
}

/** A made-up connection from the parameters, as `sightglass policy explain` makes it. */
function factsOf(req: Request, now: number): FlowFacts {
  const [sniText, hostText] = [textParam(req, 'sni', 300), textParam(req, 'host', 300)];
  if (sniText === null && hostText === null)
    throw new ApiFailure('bad-request', 'Name the destination.', 'Fill in the server name or the host.');
  const sni = sniText === null ? null : canonicalHost(sniText);
  if (sni?.kind === 'invalid')
    throw new ApiFailure(
      'bad-request',
      `The server name is not one: ${sni.reason}.`,
      'Write www.example.com.',
    );
  const host = canonicalHost(hostText ?? sniText ?? '');
  if (host.kind === 'invalid')
    throw new ApiFailure(
      'bad-request',
      `The host is not one: ${host.reason}.`,
      'Write a name or an address.',
    );
  const client = textParam(req, 'client', 100) ?? '127.0.0.1';
  if (parseAddress(client) === null)
    throw new ApiFailure('bad-request', 'The client is no address.', 'Write an IPv4 or IPv6 address.');
  const atText = textParam(req, 'at', 60);
  const at = atText === null ? now : Date.parse(atText);
  if (Number.isNaN(at))
    throw new ApiFailure('bad-request', 'The time is none.', 'Write 2026-11-20T18:30:00Z.');
  return {
    now: at,
    client: addressText(client),
    user: textParam(req, 'user'),
    groups: (textParam(req, 'group', 1000) ?? '')
      .split(',')
      .flatMap(g => (g.trim() === '' ? [] : [g.trim()])),
    listener: '[::]:8080',
    ingress: 'connect',
    scheme: 'https',
    host: host.name,
    hostKind: host.kind,
    port: countParam(req, 'port', 443, 1, 65_535),
    outcome: 'hello',
    hello: {
      sni: sni?.kind === 'name' ? sni.name : null,
      rawSni: sniText,
      alpn: ['h2', 'http/1.1'],
      versions: ['TLS 1.3', 'TLS 1.2'],
      ciphers: [],
      groups: [],
      ja3: '',
      ja4: '',
      ech: 'none',
      grease: false,
      size: 0,
    },
  };
}
