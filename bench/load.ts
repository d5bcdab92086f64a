/**
 * What the load client is asked for and what it answers; main.ts and client.ts share it. The client is a process of
 * its own, so that its TLS work never mixes with the reading of the clocks.
 */
export interface LoadOrder {
  proxyPort: number;
  originPort: number;
  /** Names to ask for: connection n takes name n, round and round. */
  names: string[];
  connections: number;
  requests: number;
  perConnection: number;
  path: string;
  /** Bytes that a right answer has. */
  length: number;
  /** PEM file that must verify the certificate the client is shown: the proxy's authority, or the origin's. */
  ca: string;
  /** Seconds after which the load stops with what it has. */
  limit: number;
}

export interface LoadResult {
  ok: number;
  /** Connections or requests that failed. */
  errors: number;
  /** Answers with another status or length. */
  bad: number;
  firstError: string | null;
  seconds: number;
  /** Body bytes. */
  bytes: number;
  /** ms from request written to body complete; with one request a connection: from connect to body complete. */
  p50: number;
  p99: number;
  clientCpu: number;
  connectionsMade: number;
}

/** The value below which the share `q` of the sorted list lies; 0 for an empty list. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.min(sorted.length - 1, Math.round(q * (sorted.length - 1)))] ?? 0;
}
