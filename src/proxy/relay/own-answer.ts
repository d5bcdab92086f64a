/** The answer the relay gives itself when an exchange cannot go on: an explanatory page, or a challenge. */
import type { Fault } from '../../core/faults.ts';
import type { FlowId } from '../../core/records.ts';
import { reasonPhrase, refusalResponse } from '../refuse.ts';
import type { LiveExchange } from './exchange.ts';

/** `keep`: the connection goes on after it (a 407 is a step of the dialogue). `extra` are whole header lines. */
export function ownAnswer(
  exchange: LiveExchange,
  fault: Fault,
  flow: FlowId,
  keep: boolean,
  extra = '',
): Buffer {
  const { status } = fault.entry;
  if (keep)
    return Buffer.from(
      `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${extra}Content-Length: 0\r\n\r\n`,
      'latin1',
    );
  const blocked = fault.code === 'blocked-by-policy';
  return refusalResponse(
    {
      fault,
      target: `${exchange.scheme}://${exchange.host}${exchange.path}`,
      flow,
      rule: blocked ? exchange.verdict.rule : null,
      reason: blocked ? exchange.verdict.reason : null,
    },
    { head: exchange.head.method === 'HEAD', extra },
  );
}
