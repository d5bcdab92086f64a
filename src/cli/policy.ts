/**
 * `sightglass policy`: check a policy file and explain decisions, on the file alone, with or without a running proxy.
 * `explain` calls the very evaluation that decides flows; its JSON fields are a contract with scripts (DESIGN §10).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { FlowFacts, HelloFacts } from '../core/facts.ts';
import { canonicalHost } from '../core/host-name.ts';
import { addressText, parseAddress } from '../core/network.ts';
import { explain } from '../policy/explain.ts';
import type { Explanation } from '../policy/explain.ts';
import { loadPolicyFile, problemText } from '../policy/load.ts';
import { shippedFolder } from '../policy/shipped.ts';
import { copiesDir } from '../policy/sources.ts';
import type { Settings } from '../settings/catalogue.ts';
import { loadSettings } from '../settings/load.ts';
import { policyFileOf } from '../settings/policy-file.ts';
import { checkCommand } from './policy-check.ts';
import { pacCommand } from './policy-pac.ts';
import { hitsCommand, replayCommand } from './policy-replay.ts';
import { applyCommand, diffCommand, historyCommand, rollbackCommand } from './policy-versions.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { UsageError } from './usage-error.ts';

export function policyCommand(): Command {
  return new Command('policy')
    .description('The policy: check a file, explain a decision, keep its versions.')
    .addCommand(checkCommand())
    .addCommand(explainCommand())
    .addCommand(replayCommand())
    .addCommand(hitsCommand())
    .addCommand(historyCommand())
    .addCommand(diffCommand())
    .addCommand(rollbackCommand())
    .addCommand(applyCommand())
    .addCommand(pacCommand());
}

interface ExplainOptions {
  sni?: string;
  host?: string;
  port: string;
  client: string;
  user?: string;
  group?: string[];
  listener: string;
  ingress: FlowFacts['ingress'];
  alpn?: string[];
  tlsVersion: string;
  ja3: string;
  ja4: string;
  ech?: boolean;
  http?: boolean;
  originIssuer?: string;
  originSubject?: string;
  originFault?: string;
  method?: string;
  path: string;
  contentType?: string;
  at?: string;
  json?: boolean;
}

function explainCommand(): Command {
  const command = new Command('explain')
    .description('Tell which rule decides a flow, and why each earlier one does not match.')
    .option('--sni <NAME>', 'name in the ClientHello; without it the hello has none and --host says where to')
    .option('--host <HOST>', 'host that the client asked the proxy for (default: the SNI)')
    .option('--port <PORT>', 'port that the client asked for', '443')
    .option('--client <IP>', 'address of the client', '127.0.0.1')
    .option('--user <USER>', 'authenticated user')
    .option('--group <GROUP...>', 'groups of the user')
    .option('--at <TIME>', 'time of the flow, such as 2026-11-20T18:30:00Z (default: now)')
    .option('--listener <HOST:PORT>', 'listener the client came to', '[::]:8080')
    .addOption(
      new Option('--ingress <HOW>', 'how the client came')
        .choices(['connect', 'http', 'socks5', 'transparent'])
        .default('connect'),
    )
    .option('--alpn <PROTOCOL...>', 'protocols the client offers')
    .option('--tls-version <VERSION>', 'highest version the client offers', '1.3')
    .option('--ja3 <HASH>', 'JA3 of the hello', '')
    .option('--ja4 <FINGERPRINT>', 'JA4 of the hello', '')
    .option('--ech', 'the hello carries an outer ECH extension')
    .option('--http', 'a plain HTTP request, no TLS')
    .option(
      '--origin-issuer <NAME>',
      'issuer of the certificate that the origin showed, such as "CN=Example CA"',
    )
    .option('--origin-subject <NAME>', 'its subject')
    .option('--origin-fault <CODE>', 'why it was refused, such as cert-expired')
    .option('--method <METHOD>', 'method of a request inside the connection')
    .option('--path <PATH>', 'path of that request', '/')
    .option('--content-type <TYPE>', 'media type of its body')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir', 'policy.file']);
  return command.action(async (options: ExplainOptions) => {
    const settings = loadSettings(input());
    const facts = factsOf(options);
    const loaded = await loadPolicyFile(await policyInForce(settings), {
      copies: copiesDir(join(settings['data-dir'], 'policy')),
      emptyWithoutCopy: true,
    });
    if (!loaded.ok) {
      for (const p of loaded.problems) console.error(problemText(p));
      process.exitCode = 1;
      return;
    }
    const explanation = explain(facts, loaded.compiled);
    console.log(options.json === true ? JSON.stringify(explanation, null, 2) : told(explanation));
  });
}

/** The policy that the settings name; before the first start there is none yet and the shipped one answers. */
async function policyInForce(settings: Settings): Promise<string> {
  const file = policyFileOf(settings);
  if (settings['policy.file'] !== null || existsSync(file)) return file;
  console.error(`note: there is no ${file} yet, so the shipped policy answers`);
  return join(await shippedFolder(), 'policy.yaml');
}

function factsOf(options: ExplainOptions): FlowFacts {
  if (options.sni === undefined && options.host === undefined)
    throw new UsageError('name the destination', 'sightglass policy explain --sni www.example.com');
  const sni = options.sni === undefined ? null : canonicalHost(options.sni);
  if (sni?.kind === 'invalid')
    throw new UsageError(`--sni "${options.sni ?? ''}": ${sni.reason}`, 'An SNI is a host name.');
  const asked = options.host ?? options.sni ?? '';
  const host = canonicalHost(asked);
  if (host.kind === 'invalid')
    throw new UsageError(`--host "${asked}": ${host.reason}`, 'A host is a name or an address.');
  const port = Number(options.port);
  if (!/^\d{1,5}$/.test(options.port) || port > 65535)
    throw new UsageError(`--port "${options.port}" is no port`, 'Ports go from 0 to 65535.');
  if (parseAddress(options.client) === null)
    throw new UsageError(`--client "${options.client}" is no address`, 'Write an IPv4 or IPv6 address.');
  const now = options.at === undefined ? Date.now() : Date.parse(options.at);
  if (Number.isNaN(now))
    throw new UsageError(
      `--at "${options.at ?? ''}" is no time`,
      'Write 2026-11-20T18:30:00Z or 2026-11-20T18:30.',
    );
  const plain = options.http === true;
  return {
    now,
    client: addressText(options.client),
    user: options.user ?? null,
    groups: options.group ?? [],
    listener: options.listener,
    ingress: plain ? 'http' : options.ingress,
    scheme: plain ? 'http' : 'https',
    host: host.name,
    hostKind: host.kind,
    port,
    outcome: plain ? 'none' : 'hello',
    hello: plain ? null : helloOf(options, sni?.kind === 'name' ? sni.name : null),
    ...lateFacts(options, plain),
  };
}

/** What is known later, as far as it was given: the origin, and a request. Plain HTTP has its request at once. */
function lateFacts(options: ExplainOptions, plain: boolean): Pick<FlowFacts, 'origin' | 'request'> {
  const { originIssuer: issuer, originSubject: subject, originFault: fault, method } = options;
  const asked = issuer !== undefined || subject !== undefined || fault !== undefined;
  return {
    ...(asked ? { origin: { issuer: issuer ?? '', subject: subject ?? '', fault: fault ?? null } } : {}),
    ...(method !== undefined || plain
      ? {
          request: {
            method: method ?? 'GET',
            path: options.path,
            contentType: options.contentType?.toLowerCase() ?? null,
          },
        }
      : {}),
  };
}

function helloOf(options: ExplainOptions, sni: string | null): HelloFacts {
  const versions = ['1.3', '1.2', '1.1', '1.0'];
  const best = versions.indexOf(options.tlsVersion);
  if (best < 0)
    throw new UsageError(
      `--tls-version "${options.tlsVersion}" is unknown`,
      `Valid: ${versions.join(', ')}.`,
    );
  return {
    sni,
    rawSni: options.sni ?? null,
    alpn: options.alpn ?? [],
    versions: versions.slice(best).map(v => `TLS ${v}`),
    ciphers: [],
    groups: [],
    ja3: options.ja3,
    ja4: options.ja4,
    ech: options.ech === true ? 'grease-or-real' : 'none',
    grease: false,
    size: 0,
  };
}

function told(e: Explanation): string {
  const lines = [
    `${e.verdict} by ${e.rule === 'default' || e.rule.startsWith('doubt:') ? e.rule : `rule "${e.rule}"`}`,
    `  reason   ${e.reason}`,
    `  policy   ${e.policy}`,
    `  records  ${e.capture}${e.verdict === 'block' ? `, told by ${e.block}` : ''}${e.mask === undefined ? '' : `, mask ${e.mask}`}`,
    ...(e.tls === undefined ? [] : [`  offers   TLS profile ${e.tls}`]),
    ...(e.parent === undefined ? [] : [`  through  parent group ${e.parent}`]),
  ];
  if (e.doubt !== null) lines.push(`  doubt    ${e.doubt}`);
  if (e.names.length > 0) lines.push(`  names    ${e.names.join(' and ')}`);
  if (e.skipped.length > 0) {
    lines.push('  earlier rules that do not match');
    const width = Math.min(40, Math.max(...e.skipped.map(s => s.rule.length)));
    for (const s of e.skipped) lines.push(`    ${s.rule.padEnd(width)}  ${s.why}`);
  }
  return lines.join('\n');
}
