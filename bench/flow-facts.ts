/** A flow as a browser begins it, for benches that ask the policy. Only what varies is given. */
import type { FlowFacts } from '../src/core/facts.ts';

export function flowTo(sni: string, varying: Pick<FlowFacts, 'now' | 'client' | 'user'>): FlowFacts {
  return {
    ...varying,
    groups: [],
    listener: '[::]:8080',
    ingress: 'connect',
    scheme: 'https',
    host: sni,
    hostKind: 'name',
    port: 443,
    outcome: 'hello',
    hello: {
      sni,
      rawSni: sni,
      alpn: ['h2', 'http/1.1'],
      versions: ['TLS 1.3', 'TLS 1.2'],
      ciphers: [4865, 4866, 4867],
      groups: [29, 23],
      ja3: '0'.repeat(32),
      ja4: 't13d1516h2_8daaf6152771_e5627efa2ab1',
      ech: 'none',
      grease: true,
      size: 500,
    },
  };
}
