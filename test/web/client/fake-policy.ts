/** Policy and lists of the fake console: made-up answers in the shapes of the contract, and what was asked to change. */
import type {
  ApplyAnswer,
  RollbackAnswer,
  CheckView,
  DiffView,
  ExplainView,
  PolicyView,
  RulesView,
  TaskView,
  VersionsView,
} from '../../../web/contract.ts';
import { replayOf } from './fake-replay.ts';
import { ago, DAY, entriesOf, FakeTokens, HOSTILE, importOf, listsOf, previewOf } from './fake-lists.ts';

export class FakePolicy {
  /** Bodies of POSTs, as they came: path and JSON, or path and parameters for a list. */
  readonly changes: { path: string; body: Record<string, unknown> }[] = [];
  inGit = false;
  /** Polls until a replay is done. */
  polls = 2;
  view: PolicyView;
  readonly #tokens = new FakeTokens();
  #polled = 0;
  #versions: VersionsView;

  constructor(view: PolicyView) {
    this.view = view;
    this.#versions = versionsOf(view.version);
  }

  get(url: URL): unknown {
    const { pathname, searchParams: params } = url;
    if (pathname.startsWith('/api/task/')) return this.#task();
    switch (pathname) {
      case '/api/policy/rules':
        return rulesOf(this.view.version);
      case '/api/policy/explain':
        return explainOf(params, this.view.version);
      case '/api/policy/versions':
        return this.#versions;
      case '/api/policy/diff':
        return diffOf(params);
      case '/api/lists':
        return { ...listsOf(this.view.version), inGit: this.inGit };
      case '/api/lists/tokens':
        return this.#tokens.view();
      case '/api/lists/entries':
        return entriesOf(params);
      case '/api/lists/preview':
        return previewOf(params);
      default:
        return null;
    }
  }

  post(url: URL, body: Buffer): unknown {
    const { pathname, searchParams: params } = url;
    if (pathname === '/api/lists/import') {
      const told = Object.fromEntries(params);
      this.changes.push({ path: pathname, body: told });
      return importOf(told, body.toString());
    }
    const json = JSON.parse(body.toString() || '{}') as Record<string, unknown>;
    this.changes.push({ path: pathname, body: json });
    switch (pathname) {
      case '/api/policy/check':
        return checkOf(String(json['text']), this.view.text, this.inGit);
      case '/api/policy/replay':
        this.#polled = 0;
        return { task: 'aaaa' };
      case '/api/task/aaaa/stop':
        return {};
      case '/api/lists/tokens':
        return this.#tokens.make(String(json['name']));
      case '/api/lists/tokens/revoke':
        return this.#tokens.revoke(String(json['name']));
      case '/api/lists/fetch':
        return { list: json['list'], copy: listsOf(this.view.version).lists.at(-1)?.copy };
      case '/api/policy/apply':
      case '/api/policy/rollback':
        return this.#apply(json);
      default:
        return null;
    }
  }

  #apply(json: Record<string, unknown>): ApplyAnswer | RollbackAnswer {
    const n = (this.#versions.versions[0]?.n ?? 0) + 1;
    const version = `${n}`.repeat(12).slice(0, 12);
    this.#versions = {
      current: n,
      versions: [
        {
          n,
          version,
          time: ago(0),
          origin: 'text' in json ? 'console' : 'rollback',
          author: 'alice.auditor',
          comment: String(json['comment']),
          changes: [],
        },
        ...this.#versions.versions,
      ],
    };
    this.view = {
      ...this.view,
      version,
      applied: ago(0),
      text: typeof json['text'] === 'string' ? json['text'] : this.view.text,
    };
    const done = { written: true, version, n, problems: [] };
    if ('text' in json) return done;
    const back = json['lists'] !== 'keep';
    return {
      ...done,
      restored: back ? ['gambling', 'threats'] : [],
      held: back ? ['threats'] : [],
      otherLists: back ? [] : ['gambling', 'threats'],
    };
  }

  #task(): TaskView {
    this.#polled++;
    if (this.#polled < this.polls)
      return { state: 'running', done: this.#polled * 41_000, at: ago(DAY / 2), replay: null, error: null };
    return { state: 'done', done: 84_112, at: null, replay: replayOf(), error: null };
  }
}

function rulesOf(version: string): RulesView {
  const rule = { capture: 'headers', block: 'page', owner: null, reason: null, expires: null, rollout: null };
  return {
    version,
    since: ago(30 * DAY),
    counted: true,
    rules: [
      {
        ...rule,
        name: 'gambling',
        line: 9,
        action: 'block',
        when: 'host list:gambling, *.casino.example',
        owner: 'Works council',
        hits: 1_204,
        last: ago(340_000),
        notes: [],
      },
      {
        ...rule,
        name: 'finance',
        line: 15,
        action: 'passthrough',
        when: 'host list:finance',
        hits: 18_220,
        last: ago(9_000),
        notes: [],
      },
      {
        ...rule,
        name: 'fair guests',
        line: 20,
        action: 'inspect',
        when: 'all(client 10.9.0.0/16; time mon-fri 08:00-18:00 Europe/Amsterdam)',
        expires: ago(20 * DAY),
        hits: 0,
        last: null,
        notes: [
          {
            kind: 'expired',
            severity: 'warning',
            text: 'Expired on 2026-10-31 and matches nothing any more.',
            hint: 'Remove it, or give it a new date.',
          },
        ],
      },
      {
        ...rule,
        name: 'uploads',
        line: 26,
        action: 'inspect',
        when: 'host files.example.net',
        rollout: 5,
        hits: 0,
        last: null,
        notes: [{ kind: 'unused', severity: 'note', text: 'Decided no connection in this time.', hint: '' }],
      },
      {
        ...rule,
        name: 'web',
        line: 31,
        action: 'inspect',
        when: null,
        hits: 402_113,
        last: ago(800),
        notes: [],
      },
      {
        ...rule,
        name: HOSTILE.rule,
        line: 36,
        action: 'block',
        when: `host ${HOSTILE.pattern}`,
        owner: HOSTILE.comment,
        hits: 0,
        last: null,
        notes: [
          {
            kind: 'shadowed',
            severity: 'warning',
            text: 'Never reached: "web" above it matches every connection.',
            hint: 'Remove one of the two.',
          },
        ],
      },
    ],
    others: [
      { rule: 'doubt:no-sni', known: true, hits: 31, last: ago(7_000_000) },
      { rule: 'old rule', known: false, hits: 12, last: ago(9 * DAY) },
    ],
  };
}

function explainOf(params: URLSearchParams, version: string): ExplainView {
  const sni = params.get('sni');
  const bank = sni?.includes('bank') === true;
  const asked = {
    sni,
    host: params.get('host') ?? sni ?? '',
    port: Number(params.get('port') ?? 443),
    client: params.get('client') ?? '127.0.0.1',
    user: params.get('user'),
    at: params.get('at') ?? ago(0),
  };
  return {
    verdict: bank ? 'passthrough' : 'block',
    rule: bank ? 'finance' : 'default',
    reason: bank ? 'finance sites are never decrypted' : 'No rule matches; the default is block.',
    policy: version,
    capture: 'headers',
    block: 'page',
    doubt: null,
    names: [asked.host],
    skipped: [
      {
        rule: 'gambling',
        why: `host ${asked.host} is not in list:gambling and does not match *.casino.example`,
      },
      ...(bank ? [] : [{ rule: 'finance', why: `host ${asked.host} is not in list:finance` }]),
      ...(bank ? [] : [{ rule: HOSTILE.rule, why: HOSTILE.comment }]),
    ],
    when: bank ? 'host list:finance' : null,
    after: bank ? ['fair guests', 'uploads', 'web'] : [],
    recorded:
      params.get('record') === null
        ? null
        : { id: params.get('record') ?? '', verdict: 'inspect', rule: HOSTILE.rule, policy: '3fa2c19b0d4e' },
    afterCount: bank ? 3 : 0,
    asked,
  };
}

function versionsOf(version: string): VersionsView {
  return {
    current: 14,
    versions: [
      {
        n: 14,
        version,
        time: ago(7_000_000),
        origin: 'console',
        author: 'bo',
        comment: 'Uploads to the file service are kept with bodies (ticket 4711)',
        changes: ['rule "uploads": inspect (headers) → inspect (bodies)'],
      },
      {
        n: 13,
        version: 'b7d01c99e2fa',
        time: ago(3 * DAY),
        origin: 'file',
        author: null,
        comment: null,
        changes: [
          'list gambling: other contents, 41,220 → 41,391 names',
          'rule "fair guests": expires changed',
        ],
      },
      {
        n: 12,
        version: '0c11aa7b32d4',
        time: ago(11 * DAY),
        origin: 'apply',
        author: HOSTILE.user,
        comment: HOSTILE.comment,
        changes: [`rule "${HOSTILE.rule}": added at place 6, block (page)`],
      },
    ],
  };
}

function diffOf(params: URLSearchParams): DiffView {
  return {
    from: `version ${params.get('from')}`,
    to: `version ${params.get('to')}`,
    changes: ['rule "uploads": inspect (headers) → inspect (bodies)'],
    diff: `--- version ${params.get('from')}\n+++ version ${params.get('to')}\n@@ -24,4 +24,4 @@\n   - name: uploads\n     hosts: [files.example.net]\n     action: inspect\n-    capture: headers\n+    capture: bodies\n ${HOSTILE.comment}\n`,
  };
}

function checkOf(text: string, inForce: string, inGit: boolean): CheckView {
  if (text.includes('peek'))
    return {
      ok: false,
      version: null,
      problems: [
        {
          file: 'policy.yaml',
          line: 22,
          column: 13,
          message: 'rules[2].action: "peek" is not one of inspect, passthrough, block',
          hint: 'Did you mean "inspect"?',
        },
      ],
      changes: [],
      diff: '',
      findings: [],
      inGit,
    };
  const same = text === inForce;
  return {
    ok: true,
    version: same ? '3fa2c19b0d4e' : '77aa10cc5e21',
    problems: [],
    changes: same ? [] : ['rule "finance": passthrough (headers) → inspect (headers)'],
    diff: same
      ? ''
      : '--- a/policy.yaml\n+++ b/policy.yaml\n@@ -15,5 +15,5 @@\n   - name: finance\n     hosts: ["@finance"]\n-    action: passthrough\n+    action: inspect\n     reason: finance sites are never decrypted\n',
    findings: [
      {
        kind: 'contradictory',
        severity: 'warning',
        rule: HOSTILE.rule,
        list: null,
        line: 36,
        text: 'Never decides: rule "web" (line 31) matches all of it before, and says inspect instead of block.',
        hint: 'Move the narrower rule up, or remove one of the two.',
      },
    ],
    inGit,
  };
}
