/** Runs PAC files as browsers do: in an interpreter of its own that has only the helper functions of PAC. */
import { createContext, runInContext } from 'node:vm';

/** `FindProxyForURL` of the text, called as a browser would for https. `me` is the client's own address. */
export function pacOf(text: string, me = '10.0.0.1'): (url: string, host?: string) => string {
  const context = createContext({ myIpAddress: () => me });
  runInContext(text, context, { timeout: 10_000 });
  const find = runInContext('FindProxyForURL', context) as (url: string, host: string) => unknown;
  return (url, host = hostOf(url)) => String(find(url, host));
}

const hostOf = (url: string): string => /^[a-z]+:\/\/(\[[^\]]*\]|[^/:?#]*)/i.exec(url)?.[1] ?? '';
