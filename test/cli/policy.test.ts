import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { policyCommand } from '../../src/cli/policy.ts';
import { runVerb, type Ran } from './run-verb.ts';

const run = (t: TestContext, ...argv: string[]): Promise<Ran> => runVerb(t, policyCommand(), ...argv);

async function policyFile(t: TestContext, yaml: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-cli-policy-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'policy.yaml');
  await writeFile(file, yaml);
  return file;
}

const YAML = `version: 1
rules:
  - { name: bank, when: { host: .bank.test }, action: passthrough, reason: Private. }
  - { name: night, when: { time: { window: '22:00-06:00', zone: UTC } }, action: block }
  - { name: alice, when: { user: alice, client: 10.0.0.0/8 }, action: inspect }
`;

describe('policy explain with what is known later', () => {
  it('asks rules on the origin and on requests once they are told of', async t => {
    const file = await policyFile(
      t,
      `version: 1
default: inspect
rules:
  - { name: partner, when: { origin-issuer: '*Partner*' }, action: passthrough }
  - { name: uploads, when: { method: POST, path: /up/* }, action: block }
`,
    );
    const explained = async (...more: string[]): Promise<string> => {
      const args = ['explain', '--sni', 'a.test', '--policy.file', file, '--json', ...more];
      return (JSON.parse((await run(t, ...args)).out) as { rule: string }).rule;
    };
    assert.equal(await explained(), 'default');
    assert.equal(await explained('--origin-issuer', 'CN=Partner CA'), 'partner');
    assert.equal(await explained('--origin-fault', 'cert-expired'), 'default');
    assert.equal(await explained('--method', 'POST', '--path', '/up/1'), 'uploads');
    assert.equal(await explained('--http', '--method', 'POST', '--path', '/up/1'), 'uploads');
    assert.equal(await explained('--method', 'GET', '--path', '/up/1'), 'default');
  });
});

describe('policy check', () => {
  it('finds a good file good', async t => {
    const file = await policyFile(t, YAML);
    const ran = await run(t, 'check', file);
    assert.equal(ran.code, 0);
    assert.match(ran.out, /good, version [0-9a-f]{12}\n.*3, then block/);
    const json = JSON.parse((await run(t, 'check', file, '--json')).out) as Record<string, unknown>;
    assert.equal(json['ok'], true);
    assert.deepEqual(json['rules'], ['bank', 'night', 'alice']);
  });

  it('tells file, line, column and hint of a bad one and fails', async t => {
    const file = await policyFile(t, 'version: 1\nrulez: []\n');
    const ran = await run(t, 'check', file);
    assert.equal(ran.code, 1);
    assert.ok(ran.err.includes(`${file}:2:1: unknown key "rulez"`), ran.err);
    assert.match(ran.err, /Did you mean "rules"/);
    const json = await run(t, 'check', file, '--json');
    assert.equal(json.code, 1);
    const { problems } = JSON.parse(json.out) as { problems: { line: number }[] };
    assert.equal(problems[0]?.line, 2);
  });

  it('tells a missing file', async t => {
    const ran = await run(t, 'check', '/nowhere/policy.yaml');
    assert.equal(ran.code, 1);
    assert.match(ran.err, /no such file/);
  });
});

describe('policy explain', () => {
  it('prints the fields that scripts rely on', async t => {
    const file = await policyFile(t, YAML);
    const ran = await run(
      t,
      'explain',
      '--policy.file',
      file,
      '--sni',
      'WWW.example.com.',
      '--client',
      '10.0.0.1',
      '--user',
      'Alice',
      '--at',
      '2026-11-20T12:00:00Z',
      '--json',
    );
    const json = JSON.parse(ran.out) as Record<string, unknown>;
    assert.equal(json['verdict'], 'inspect');
    assert.equal(json['rule'], 'alice');
    assert.match(String(json['policy']), /^[0-9a-f]{12}$/);
    assert.equal(typeof json['reason'], 'string');
    assert.deepEqual(json['skipped'], [
      { rule: 'bank', why: 'host www.example.com is not in .bank.test' },
      { rule: 'night', why: 'it is Fri 12:00 in UTC, outside daily 22:00-06:00 UTC' },
    ]);
  });

  it('follows time, host, and missing names', async t => {
    const file = await policyFile(t, YAML);
    const rule = async (...argv: string[]): Promise<unknown> => {
      const ran = await run(t, 'explain', '--policy.file', file, ...argv, '--json');
      return (JSON.parse(ran.out) as Record<string, unknown>)['rule'];
    };
    assert.equal(await rule('--sni', 'x.test', '--at', '2026-11-20T23:00:00Z'), 'night');
    assert.equal(await rule('--host', 'www.bank.test'), 'bank');
    assert.equal(await rule('--sni', 'bank.test', '--host', 'x.test'), 'doubt:sni-mismatch');
    assert.equal(await rule('--sni', 'bank.test', '--host', '192.0.2.1'), 'doubt:connect-ip');
    assert.equal(await rule('--host', 'bank.test', '--http'), 'bank');
  });

  it('says it in words', async t => {
    const file = await policyFile(t, YAML);
    const ran = await run(t, 'explain', '--policy.file', file, '--sni', 'www.bank.test');
    assert.match(ran.out, /^passthrough by rule "bank"\n {2}reason {3}Private\./);
  });

  it('answers with the shipped policy before the first start, and says so', async t => {
    const ran = await run(
      t,
      'explain',
      '--data-dir',
      join(tmpdir(), 'sightglass-not-there'),
      '--sni',
      'www.example.com',
      '--json',
    );
    assert.match(ran.err, /shipped policy/);
    assert.equal((JSON.parse(ran.out) as Record<string, unknown>)['rule'], 'inspect-everything-else');
  });

  for (const [what, argv] of [
    ['no destination', []],
    ['a name that is none', ['--sni', 'a b']],
    ['a client that is none', ['--sni', 'a.test', '--client', 'x']],
    ['a time that is none', ['--sni', 'a.test', '--at', 'noon']],
    ['a port that is none', ['--sni', 'a.test', '--port', '99999']],
  ] as const)
    it(`refuses ${what} with a hint`, async t => {
      const file = await policyFile(t, YAML);
      await assert.rejects(run(t, 'explain', '--policy.file', file, ...argv), { exitCode: 2 });
    });
});

describe('policy check on a policy that is valid and not meant so', () => {
  const HIDDEN = `version: 1
rules:
  - { name: wide, when: { host: .a.test }, action: block }
  - { name: narrow, when: { host: www.a.test }, action: inspect }
`;

  it('tells it, and fails on it only when asked to', async t => {
    const file = await policyFile(t, HIDDEN);
    const ran = await run(t, 'check', file);
    assert.equal(ran.code, 0);
    assert.match(ran.out, /line 4: warning: rule "narrow": never decides: rule "wide" \(line 3\)/);
    assert.equal((await run(t, 'check', file, '--strict')).code, 1);
    const { findings } = JSON.parse((await run(t, 'check', file, '--json')).out) as {
      findings: { kind: string }[];
    };
    assert.equal(findings[0]?.kind, 'contradictory');
  });
});
