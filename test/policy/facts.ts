/** Facts of flows for the tests of the policy room. */
import type { FlowFacts, HelloFacts } from '../../src/core/facts.ts';
import { compilePolicy, listFromPatterns } from '../../src/policy/compile.ts';
import type { CompiledPolicy } from '../../src/policy/compile.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import type { PolicyDocument } from '../../src/policy/rule.ts';

export function hello(over: Partial<HelloFacts> = {}): HelloFacts {
  return {
    sni: 'www.example.com',
    rawSni: 'www.example.com',
    alpn: ['h2', 'http/1.1'],
    versions: ['TLS 1.3', 'TLS 1.2'],
    ciphers: [],
    groups: [],
    ja3: 'a'.repeat(32),
    ja4: 't13d1516h2_8daaf6152771_e5627efa2ab1',
    ech: 'none',
    grease: false,
    size: 512,
    ...over,
  };
}

/** A flow to `name` by CONNECT with the same SNI, unless told otherwise. */
export function flow(
  name: string,
  over: Partial<FlowFacts> = {},
  helloOver: Partial<HelloFacts> = {},
): FlowFacts {
  return {
    now: Date.UTC(2026, 10, 20, 12, 0),
    client: '10.1.2.3',
    user: null,
    groups: [],
    listener: '[::]:8080',
    ingress: 'connect',
    scheme: 'https',
    host: name,
    hostKind: 'name',
    port: 443,
    outcome: 'hello',
    hello: hello({ sni: name, rawSni: name, ...helloOver }),
    ...over,
  };
}

/** Parse a document that must be good. */
export function documentOf(yaml: string): PolicyDocument {
  const parsed = parsePolicy(yaml);
  if (!parsed.ok) throw new Error(parsed.problems.map(p => `${p.line}:${p.column} ${p.message}`).join('\n'));
  return parsed.document;
}

/** Compile a document whose lists are all inline. */
export function policyOf(yaml: string): CompiledPolicy {
  return compiledOf(documentOf(yaml));
}

export function compiledOf(document: PolicyDocument): CompiledPolicy {
  const lists = Object.entries(document.lists).map(([name, source]) => {
    if (source.kind !== 'inline') throw new Error('only inline lists here');
    return [name, listFromPatterns(source.domains)] as const;
  });
  return compilePolicy(document, new Map(lists));
}
