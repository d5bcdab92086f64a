/**
 * Text ids of flows and exchanges over several proxies: `<proxy36>-<producer36>-<counter36>`, the number that the fleet's store
 * gave the proxy in front of the proxy's own id (core/records). Pure. An id without it speaks of this machine's own records.
 */
import { exchangeIdText, flowIdText, parseFlowId } from '../../core/records.ts';
import type { FlowId } from '../../core/records.ts';

/** A flow, and the number of its proxy in the fleet's store; null on the machine's own store. */
export interface FlowRef {
  proxy: number | null;
  flow: FlowId;
}

const MAX_PROXY = 2 ** 31 - 1;

export const fleetFlowText = (proxy: number, flow: FlowId): string =>
  `${proxy.toString(36)}-${flowIdText(flow)}`;
export const fleetExchangeText = (proxy: number, flow: FlowId, n: number): string =>
  `${proxy.toString(36)}-${exchangeIdText(flow, n)}`;

/** The text of a reference, in the form it was read from. */
export const flowRefText = ({ proxy, flow }: FlowRef): string =>
  proxy === null ? flowIdText(flow) : fleetFlowText(proxy, flow);

/** Read a flow's id of either form; null when the text is none. */
export function parseFlowRef(text: string): FlowRef | null {
  const own = parseFlowId(text);
  if (own !== null) return { proxy: null, flow: own };
  const m = /^([0-9a-z]{1,6})-([0-9a-z]{1,6}-[0-9a-z]{1,6})$/.exec(text);
  const flow = parseFlowId(m?.[2] ?? '');
  const proxy = parseInt(m?.[1] ?? '', 36);
  return flow === null || !(proxy >= 1 && proxy <= MAX_PROXY) ? null : { proxy, flow };
}

/** Read an exchange's id of either form. */
export function parseExchangeRef(text: string): (FlowRef & { n: number }) | null {
  const dot = text.indexOf('.');
  const flow = dot < 0 ? null : parseFlowRef(text.slice(0, dot));
  if (flow === null || !/^[1-9]\d{0,8}$/.test(text.slice(dot + 1))) return null;
  return { ...flow, n: Number(text.slice(dot + 1)) };
}
