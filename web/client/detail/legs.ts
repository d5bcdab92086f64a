/**
 * What each half of a connection was, for the picture. Pure: the flow in, two legs and a word about us out. A table of
 * fault phases says which half a fault broke.
 */
import type { FlowDetail, TlsLegInfo } from '../../contract.ts';

export interface Leg {
  /** `tls` negotiated here; `raw` bytes passed without reading; `plain` HTTP without TLS; `broken`; `none`: never opened. */
  state: 'tls' | 'raw' | 'plain' | 'broken' | 'none';
  tls: TlsLegInfo | null;
  words: string;
}

export interface Legs {
  client: Leg;
  origin: Leg;
  /** What went wrong in Sightglass itself, or null. */
  us: string | null;
}

const CLIENT_PHASES = ['accept', 'ingress', 'identity', 'hello', 'client-tls'];
const ORIGIN_PHASES = ['dial', 'origin-tls'];

/** Which half the fault of a flow struck: by its phase, and in the relay by its side. */
function struck(flow: FlowDetail): 'client' | 'origin' | 'us' | null {
  const { fault } = flow;
  if (fault === null) return null;
  if (CLIENT_PHASES.includes(fault.phase)) return 'client';
  if (ORIGIN_PHASES.includes(fault.phase)) return 'origin';
  if (fault.code === 'blocked-by-policy') return null;
  return fault.side;
}

export function legsOf(flow: FlowDetail): Legs {
  const where = struck(flow);
  const summary = flow.fault?.summary ?? '';
  const action = flow.row.verdict;
  return {
    client: where === 'client' ? broken(flow.clientTls, summary) : clientLeg(flow),
    origin: where === 'origin' ? broken(flow.originTls, summary) : originLeg(flow),
    us: where === 'us' ? summary : action === 'block' ? 'The connection ends here.' : null,
  };
}

const broken = (tls: TlsLegInfo | null, words: string): Leg => ({ state: 'broken', tls, words });

/** While a connection is open its TLS is not on record yet. */
const OPEN: Leg = { state: 'plain', tls: null, words: 'still open, known when it closes' };

function clientLeg(flow: FlowDetail): Leg {
  if (flow.open && flow.row.verdict === 'inspect') return OPEN;
  if (flow.clientTls !== null)
    return {
      state: 'tls',
      tls: flow.clientTls,
      words: flow.leafSerial === null ? '' : leafWords(flow),
    };
  if (flow.row.verdict === 'passthrough' && flow.outcome === 'hello')
    return { state: 'raw', tls: null, words: 'TLS between client and origin, not read here' };
  if (flow.outcome === 'hello')
    return { state: 'plain', tls: null, words: 'ClientHello read, no TLS completed' };
  if (flow.outcome === 'none') return { state: 'plain', tls: null, words: 'plain HTTP' };
  if (flow.outcome === 'not-tls') return { state: 'plain', tls: null, words: 'bytes that are not TLS' };
  return { state: 'plain', tls: null, words: '' };
}

/** A page about an origin whose certificate failed comes under the authority that nobody trusts (DESIGN §7). */
function leafWords({ fault }: FlowDetail): string {
  return fault?.code.startsWith('cert-') === true
    ? 'under a leaf that no client trusts, so the warning is seen'
    : 'under a leaf of your authority';
}

function originLeg(flow: FlowDetail): Leg {
  if (flow.open && flow.row.verdict === 'inspect') return OPEN;
  if (flow.originTls !== null)
    return {
      state: 'tls',
      tls: flow.originTls,
      words: flow.originCert === null ? '' : 'certificate verified',
    };
  if (flow.originAddress === null) return { state: 'none', tls: null, words: 'never opened' };
  if (flow.row.verdict === 'passthrough' && flow.outcome === 'hello')
    return { state: 'raw', tls: null, words: 'the same bytes, passed on' };
  return { state: 'plain', tls: null, words: flow.outcome === 'none' ? 'plain HTTP' : 'connected' };
}
