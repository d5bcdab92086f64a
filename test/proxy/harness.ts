/**
 * Pieces for tests of single phases: a context without listeners, flows on real loopback sockets, a port that takes
 * connections and never answers them. Everything made here is gone after `cleanUp`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureBudget } from '../../src/capture/body.ts';
import { Maskers } from '../../src/capture/mask/masker.ts';
import type { FlowFacts } from '../../src/core/facts.ts';
import { Fault } from '../../src/core/faults.ts';
import type { LeafIssuer } from '../../src/core/ports.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import type { ProxyContext } from '../../src/proxy/context.ts';
import { createDialer } from '../../src/proxy/dial.ts';
import { Flow } from '../../src/proxy/flow.ts';
import { LeafContexts } from '../../src/proxy/leaf-contexts.ts';
import { originContexts, parentContext } from '../../src/proxy/origin.ts';
import { createParents } from '../../src/proxy/parent.ts';
import { createLogins } from '../../src/proxy/parent-login.ts';
import { createResolver } from '../../src/proxy/resolve.ts';
import { Turn } from '../../src/proxy/turn.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { MemorySink } from '../helpers/proxy.ts';

export const INSPECT: Verdict = {
  action: 'inspect',
  rule: 'all',
  policy: '0123456789ab',
  reason: 'Audited',
  capture: 'headers',
  block: 'page',
};

export const FACTS: FlowFacts = {
  now: 1,
  client: '10.0.0.1',
  user: null,
  groups: [],
  listener: '127.0.0.1:8080',
  ingress: 'connect',
  scheme: 'https',
  host: 'www.test',
  hostKind: 'name',
  port: 443,
  outcome: 'none',
  hello: null,
};

export class Harness {
  readonly audit = new MemorySink();
  readonly #undo: (() => unknown)[] = [];
  readonly dir = mkdtempSync(join(tmpdir(), 'sightglass-phase-'));
  readonly ctx: ProxyContext;
  #flows = 0;

  constructor(flags: Record<string, string | string[]> = {}, issuer: LeafIssuer = noIssuer) {
    const settings = loadSettings({
      flags: { 'data-dir': this.dir, 'egress.allow': ['127.0.0.0/8', '::1'], ...flags },
    });
    const { audit } = this;
    this.ctx = {
      audit,
      issuer,
      policy: { version: INSPECT.policy, decide: () => INSPECT, decideHost: () => INSPECT },
      credentials: { required: false, verify: () => Promise.resolve({ outcome: 'refused' }) },
      settings,
      authority: { certificates: [] },
      setup: null,
      turn: new Turn(audit),
      dialer: createDialer(createResolver(), () => ({ allow: settings['egress.allow'], ownListeners: [] })),
      parents: createParents({
        resolve: createResolver(),
        rules: () => ({ allow: settings['egress.allow'], ownListeners: [] }),
        logins: createLogins(this.dir),
        trust: { context: parentContext([], []), ownCas: new Set() },
      }),
      leaves: new LeafContexts(issuer, { max: 10, ticketKeys: Buffer.alloc(48, 1) }),
      originTls: originContexts([], []),
      ownCas: new Set(),
      budget: new CaptureBudget(settings['capture.memory']),
      maskers: new Maskers(settings['capture.mask-query']),
      // prettier-ignore
      counters: { accepted: 0, open: 0, refused: 0, inspected: 0, passed: 0, blocked: 0, exchanges: 0, faults: 0 },
      nextFlow: () => ++this.#flows,
      draining: false,
    };
  }

  /** Both ends of one TCP connection; the accepting end is paused, as the listener hands it out. */
  async pair(): Promise<{ client: Socket; accepted: Socket }> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const accepting = new Promise<Socket>(resolve => server.once('connection', resolve));
    const client = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    const accepted = await accepting;
    server.close();
    for (const socket of [client, accepted]) {
      socket.on('error', () => undefined);
      this.#undo.push(() => socket.destroy());
    }
    return { client, accepted };
  }

  /** A flow on the accepting end of a fresh connection. */
  async flow(): Promise<{ flow: Flow; client: Socket }> {
    const { client, accepted } = await this.pair();
    const flow = new Flow(this.ctx, accepted, '127.0.0.1:8080', this.ctx.nextFlow(), '127.0.0.1');
    return { flow, client };
  }

  /** What the watchdog of the listener does: ends the flow's phase when its deadline has passed. */
  watch(flow: Flow): void {
    const timer = setInterval(() => {
      if (flow.expiresAt > Date.now()) return;
      clearInterval(timer);
      flow.abort(new Fault(flow.expiry));
    }, 5);
    this.#undo.push(() => {
      clearInterval(timer);
    });
  }

  onCleanUp(step: () => unknown): void {
    this.#undo.push(step);
  }

  async cleanUp(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) await step();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const noIssuer: LeafIssuer = { issue: () => Promise.reject(new Error('no leaf is asked for here')) };

/** Everything a socket receives until it ends or closes. */
export function allOf(socket: NodeJS.ReadableStream): Promise<Buffer> {
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const done = (): void => {
      resolve(Buffer.concat(chunks));
    };
    socket.once('end', done);
    socket.once('close', done);
    socket.resume();
  });
}

/** Waits until `condition` gives something; fails after ten seconds with `what`. */
export async function until<T>(
  what: string,
  condition: () => T | null | undefined | false,
): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const found = condition();
    if (found !== null && found !== undefined && found !== false) return found;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain for ${what}`);
}

export interface StalledPort {
  port: number;
  stop: () => Promise<void>;
}

/**
 * A port on 127.0.0.1 whose accept queue is full: further connections are neither taken nor refused, as with a host
 * that drops packets. A process of its own listens there and then sleeps for good.
 */
export async function stalledPort(): Promise<StalledPort> {
  const script = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 0 }, () => {
    require('node:fs').writeSync(1, String(server.address().port) + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(
    await new Promise<string>(resolve => child.stdout.once('data', (d: Buffer) => resolve(d.toString()))),
  );
  const fillers: Socket[] = [];
  for (let stalled = false; !stalled;) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    fillers.push(socket);
    stalled = await new Promise<boolean>(resolve => {
      const timer = setTimeout(() => {
        resolve(true);
      }, 200);
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(false);
      });
    });
  }
  return {
    port,
    stop: async () => {
      for (const socket of fillers) socket.destroy();
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}
