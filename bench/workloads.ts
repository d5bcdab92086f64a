/**
 * What is measured: a table. Requests are for an implementation of normal speed; a slow one (`pace` below 1) gets
 * fewer, so that a whole run stays short. CPU is read in ticks of 10 ms, so a load should cost about half a second.
 */

/** Whether the implementation decrypts or only forwards. One start serves all workloads of one mode. */
export type Mode = 'inspect' | 'passthrough';

export interface Workload {
  name: string;
  title: string;
  mode: Mode;
  /** Connections in flight. */
  connections: number;
  requests: number;
  /** Requests made before the measured ones, to fill caches that are warm in real life. */
  warm: number;
  /** Requests on one connection before it is closed; 0 means as many as there are. */
  perConnection: number;
  path: '/1k' | '/100m';
  /** Each connection asks for a name that was never seen. */
  coldNames: boolean;
  /** What the CPU is divided by. */
  unit: 'request' | 'byte';
  /** What issue 2 asks of the product, in the unit of the table (ms per 1,000 requests, s per GB). */
  target?: number;
}

export const SIZES: Readonly<Record<Workload['path'], number>> = { '/1k': 1024, '/100m': 100 * 1024 * 1024 };

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'keep-alive',
    title: 'GET 1 KiB on 50 keep-alive connections, inspected',
    mode: 'inspect',
    connections: 50,
    // Two workers, control process and recorder compile their code in the first second: with 12,000 requests that start
    // was a third of what was measured (66 against 38 CPU ms per 1,000).
    requests: 72_000,
    warm: 8000,
    perConnection: 0,
    path: '/1k',
    coldNames: false,
    unit: 'request',
    target: 60,
  },
  {
    name: 'new-connection',
    title: 'GET 1 KiB, a new connection for each request (16 in flight, one name, no resumption), inspected',
    mode: 'inspect',
    connections: 16,
    requests: 1000,
    warm: 300,
    perConnection: 1,
    path: '/1k',
    coldNames: false,
    unit: 'request',
  },
  {
    name: 'cold-names',
    title: 'GET 1 KiB, a new connection and a never-seen name for each request (8 in flight), inspected',
    mode: 'inspect',
    connections: 8,
    requests: 240,
    warm: 20,
    perConnection: 1,
    path: '/1k',
    coldNames: true,
    unit: 'request',
  },
  {
    name: 'download',
    title: 'GET 100 MiB (4 in flight), inspected',
    mode: 'inspect',
    connections: 4,
    requests: 8,
    warm: 1,
    perConnection: 0,
    path: '/100m',
    coldNames: false,
    unit: 'byte',
  },
  {
    name: 'passthrough',
    title: 'GET 100 MiB (4 in flight), passed through undecrypted',
    mode: 'passthrough',
    connections: 4,
    requests: 12,
    warm: 1,
    perConnection: 0,
    path: '/100m',
    coldNames: false,
    unit: 'byte',
    target: 0.6,
  },
];

/** Cold names that exist at the origin: enough for the warm-up and the load at scale 1. */
export const COLD_NAMES = 300;
