/**
 * One worker's data plane: listeners, admission of connections, the watchdog and the drain. It owns the accepting
 * sockets; each connection's socket belongs to its flow from `accept` on.
 */
import { X509Certificate } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { CaptureBudget } from '../capture/body.ts';
import { Maskers } from '../capture/mask/masker.ts';
import { Fault } from '../core/faults.ts';
import { addressText } from '../core/network.ts';
import { FLOWS_PER_PRODUCER } from '../core/records.ts';
import type { SetupTexts } from '../core/setup-texts.ts';
import type { Settings } from '../settings/catalogue.ts';
import { BUFFERS } from './buffers.ts';
import { serve } from './connection.ts';
import type { AuthorityFacts, Counters, ProxyContext, ProxyPorts } from './context.ts';
import { Crowd } from './crowd.ts';
import { createDialer } from './dial.ts';
import type { EgressRules } from './egress.ts';
import { parentsOf } from './parent-settings.ts';
import { Flow } from './flow.ts';
import { Identifier } from './identity.ts';
import { LeafContexts } from './leaf-contexts.ts';
import { originContexts } from './origin.ts';
import { reconsider } from './reconsider.ts';
import { createResolver, staticNames } from './resolve.ts';
import { Turn } from './turn.ts';

export interface ProxyOptions {
  settings: Settings;
  ports: ProxyPorts;
  authority: AuthorityFacts;
  setup?: SetupTexts;
  /** Spool producer number of this worker; makes flow ids unique (core/records). */
  producer: number;
  /** 48 bytes, the same for all workers of one start. */
  ticketKeys: Buffer;
  /** Further listeners of this product that no flow may reach, such as the console's. */
  ownListeners: readonly { host: string; port: number }[];
}

export interface Proxy {
  readonly counters: Readonly<Counters>;
  /** TLS contexts of minted leaves held now. */
  readonly leafContexts: number;
  /** Opens the listeners of the settings; gives what they are bound to. Rejects with the system's error. */
  listen(): Promise<AddressInfo[]>;
  /** Another policy is in force: ends the open flows it blocks at once. Resolves to how many there were. */
  reconsider(): Promise<number>;
  /** Stops accepting, ends idle connections, waits for busy ones up to `timeout.drain`, then ends those too. */
  drain(): Promise<void>;
  /** Ends everything at once; every open flow gets its row. */
  close(): Promise<void>;
}

/** How often deadlines are looked at. A deadline is therefore up to this late. */
const WATCH_MS = 250;

export function createProxy(options: ProxyOptions): Proxy {
  const { settings, ports } = options;
  const servers: Server[] = [];
  const bound: { host: string; port: number }[] = [];
  const turn = new Turn(ports.audit);
  let counter = 0;
  const resolve = createResolver({
    statics: staticNames(settings['origin.resolve']),
    timeout: settings['timeout.dial'],
  });
  const egress = (): EgressRules => ({
    allow: settings['egress.allow'],
    ownListeners: [...bound, ...options.ownListeners],
  });
  const ownCas = new Set(options.authority.certificates.map(certificateDigest));
  const ctx: ProxyContext = {
    ...ports,
    settings,
    authority: options.authority,
    setup: options.setup ?? null,
    turn,
    dialer: createDialer(resolve, egress),
    leaves: new LeafContexts(ports.issuer, {
      max: settings['limits.leaf-cache'],
      ticketKeys: options.ticketKeys,
    }),
    originTls: originContexts(settings['origin.trust'], settings['origin.extra-ca']),
    ownCas,
    parents: parentsOf(settings, { resolve, rules: egress, ownCas }),
    budget: new CaptureBudget(settings['capture.memory']),
    maskers: new Maskers(settings['capture.mask-query'], name => ports.policy.masking?.(name)),
    counters: {
      accepted: 0,
      open: 0,
      refused: 0,
      inspected: 0,
      passed: 0,
      blocked: 0,
      exchanges: 0,
      faults: 0,
    },
    nextFlow: () => options.producer * FLOWS_PER_PRODUCER + (counter++ % FLOWS_PER_PRODUCER),
    draining: false,
  };
  const identifier = new Identifier(ports.credentials, settings['proxy.realm']);
  const crowd = new Crowd(settings);
  const watchdog = setInterval(() => {
    crowd.expire(Date.now());
  }, WATCH_MS);

  return {
    counters: ctx.counters,
    get leafContexts() {
      return ctx.leaves.size;
    },
    async listen() {
      const addresses: AddressInfo[] = [];
      for (const at of settings['proxy.listen']) {
        const server = createServer({
          allowHalfOpen: true,
          noDelay: true,
          pauseOnConnect: true,
          ...BUFFERS,
        });
        const address = await opened(server, at.host, at.port).catch((e: unknown) => {
          clearInterval(watchdog);
          for (const earlier of servers) earlier.close();
          throw e;
        });
        const name = `${at.host}:${address.port}`;
        server.on('connection', socket => {
          accept(ctx, crowd, identifier, socket, name);
        });
        servers.push(server);
        bound.push({ host: at.host, port: address.port });
        addresses.push(address);
      }
      return addresses;
    },
    reconsider: () => reconsider(crowd.flows(), ctx.policy),
    async drain() {
      ctx.draining = true;
      for (const server of servers) server.close();
      const deadline = Date.now() + settings['timeout.drain'];
      while (crowd.size > 0 && Date.now() < deadline) {
        for (const flow of crowd.flows()) if (!flow.inFlight) flow.abort(new Fault('draining'));
        await new Promise(r => setTimeout(r, 50));
      }
      await this.close();
    },
    async close() {
      clearInterval(watchdog);
      for (const server of servers) server.close();
      for (const flow of crowd.flows()) {
        flow.abort(new Fault('draining'));
        flow.socket.destroy();
      }
      // Sockets report their close in the next turns; rows follow them.
      for (let i = 0; i < 50 && crowd.size > 0; i++) await new Promise(r => setTimeout(r, 10));
      for (const flow of crowd.flows()) flow.close();
      turn.flush();
    },
  };
}

/** One accepted connection: limits, id, then its life. */
function accept(
  ctx: ProxyContext,
  crowd: Crowd,
  identifier: Identifier,
  socket: Socket,
  listener: string,
): void {
  const client = addressText(socket.remoteAddress ?? '');
  const flow = new Flow(ctx, socket, listener, ctx.nextFlow(), client);
  ctx.counters.accepted++;
  // Errors of a socket always come with a close; who reads it decides what they mean.
  socket.on('error', () => undefined);
  const refusal = crowd.refusal(client);
  if (refusal !== null) {
    ctx.counters.refused++;
    flow.fail(refusal);
    socket.destroy();
    flow.close();
    return;
  }
  crowd.enter(flow);
  ctx.counters.open++;
  void serve(flow, identifier).finally(() => {
    crowd.leave(flow);
    ctx.counters.open--;
  });
}

function opened(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

function certificateDigest(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}
