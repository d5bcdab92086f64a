/**
 * A data plane for tests: the real proxy on port 0 with a real authority, a real policy and a sink that keeps records
 * in memory; and TLS origins whose certificates come from a second throw-away authority.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as netConnect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import { prepareNext } from '../../ca/rotation.ts';
import type { SetupTexts } from '../../src/core/setup-texts.ts';
import { openAuthority, type Authority } from '../../ca/authority.ts';
import { createIssuer } from '../../ca/issuer.ts';
import type { AuditSink, CredentialCheck } from '../../src/core/ports.ts';
import type { AuditRecord, ExchangeRecord, FlowRecord } from '../../src/core/records.ts';
import { compilePolicy, listFromPatterns } from '../../src/policy/compile.ts';
import type { CompiledPolicy } from '../../src/policy/compile.ts';
import { policySource } from '../../src/policy/decide.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import { createProxy, type Proxy } from '../../src/proxy/proxy.ts';
import { loadSettings } from '../../src/settings/load.ts';

/** Everything the proxy recorded, in order. */
export class MemorySink implements AuditSink {
  readonly records: AuditRecord[] = [];
  healthy = true;
  flushed = 0;
  append(record: AuditRecord): void {
    this.records.push(record);
  }
  flush(): void {
    this.flushed = this.records.length;
  }
  get exchanges(): ExchangeRecord[] {
    return this.records.filter(r => r.kind === 'exchange');
  }
  get flows(): FlowRecord[] {
    return this.records.filter(r => r.kind === 'flow');
  }
}

export interface TestProxy {
  port: number;
  /** PEM of the root that clients trust. */
  ca: string;
  audit: MemorySink;
  proxy: Proxy;
  authority: Authority;
  dataDir: string;
  /** Put another policy in force, as a worker does. Resolves to how many open flows it ended. */
  apply(yaml: string): Promise<number>;
  /** Resolves when `count` flow rows are there; fails after five seconds. */
  flows(count: number): Promise<FlowRecord[]>;
  exchanges(count: number): Promise<ExchangeRecord[]>;
  /**
   * The ledger row of the client connection that came from this local port. The kernel gives a port again to a later
   * connection: a row is given out once only, and one from before the tunnel was opened is not looked at.
   */
  flowOf(clientPort: number): Promise<FlowRecord>;
  stop(): Promise<void>;
}

export const INSPECT_ALL = 'version: 1\ndefault: inspect\n';

export interface TestProxyOptions {
  policy?: string;
  /** Settings by name, as flags. */
  flags?: Record<string, string | string[]>;
  credentials?: CredentialCheck;
  /** PEM of authorities trusted for origins. */
  trust?: string[];
  /** Trust our own authority for origins too, as an operating system's store may do. */
  trustOwn?: boolean;
  /** Texts of the setup site; with `next`, another authority is prepared to follow. */
  setup?: SetupTexts;
}

export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-proxy-'));
  const ca = join(dir, 'ca');
  let authority = openAuthority({ dir: ca });
  if (options.setup?.next === true) {
    prepareNext({ dir: ca, passphrase: null });
    authority = openAuthority({ dir: ca });
  }
  const stores = [...(options.trust ?? []), ...(options.trustOwn === true ? [authority.certificatePem] : [])];
  const extra = stores.map((pem, i) => {
    const file = join(dir, `trust-${i}.pem`);
    writeFileSync(file, pem);
    return file;
  });
  const settings = loadSettings({
    flags: {
      'data-dir': dir,
      'proxy.listen': '127.0.0.1:0',
      'egress.allow': ['127.0.0.0/8', '::1'],
      'proxy.connect-ports': 'any',
      ...(extra.length > 0 ? { 'origin.trust': 'none', 'origin.extra-ca': extra } : {}),
      ...options.flags,
    },
  });
  const source = policySource(compiledFrom(options.policy ?? INSPECT_ALL));
  const audit = new MemorySink();
  const given = new WeakSet<FlowRecord>();
  const proxy = createProxy({
    settings,
    producer: 1,
    authority: { certificates: [authority.certificatePem] },
    ...(options.setup === undefined ? {} : { setup: options.setup }),
    ticketKeys: Buffer.alloc(48, 7),
    ownListeners: [],
    ports: {
      audit,
      issuer: createIssuer({ authority }),
      credentials: options.credentials ?? {
        required: false,
        verify: () => Promise.resolve({ outcome: 'refused' }),
      },
      policy: source,
    },
  });
  const [bound] = await proxy.listen();
  return {
    port: bound?.port ?? 0,
    ca: authority.certificatePem,
    audit,
    proxy,
    authority,
    dataDir: dir,
    apply: yaml => {
      source.apply(compiledFrom(yaml));
      return proxy.reconsider();
    },
    flows: count => eventually(() => audit.flows, count),
    exchanges: count => eventually(() => audit.exchanges, count),
    flowOf: async clientPort => {
      const opened = openedAt.get(clientPort) ?? 0;
      const [flow] = await eventually(
        () => audit.flows.filter(f => f.clientPort === clientPort && f.time >= opened && !given.has(f)),
        1,
      );
      if (flow === undefined) throw new Error('no such flow');
      given.add(flow);
      return flow;
    },
    async stop() {
      await proxy.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A policy whose lists are all inline, compiled. */
function compiledFrom(yaml: string): CompiledPolicy {
  const parsed = parsePolicy(yaml);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const lists = Object.entries(parsed.document.lists).map(
    ([name, source]) => [name, listFromPatterns('domains' in source ? source.domains : [])] as const,
  );
  return compilePolicy(parsed.document, new Map(lists));
}

async function eventually<T>(read: () => T[], count: number): Promise<T[]> {
  const until = Date.now() + 5_000;
  while (read().length < count) {
    if (Date.now() > until) throw new Error(`wanted ${count} records, have ${read().length}`);
    await new Promise(r => setTimeout(r, 5));
  }
  return read();
}

/** A throw-away authority for origins, and certificates from it. */
export class OriginCa {
  readonly #dir = mkdtempSync(join(tmpdir(), 'sightglass-origin-'));
  readonly #authority = openAuthority({ dir: join(this.#dir, 'ca') });
  readonly #issuer = createIssuer({ authority: this.#authority });

  get pem(): string {
    return this.#authority.certificatePem;
  }

  async certificate(name: string): Promise<{ key: string; cert: string }> {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const leaf = await this.#issuer.issue({
      name,
      nameKind: /^[\d.]+$/.test(name) ? 'ip' : 'name',
      publicKey: pair.publicKey.export({ type: 'spki', format: 'der' }),
      originNotBefore: null,
      originNotAfter: null,
      originFingerprint: null,
      trust: 'trusted',
    });
    return {
      key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert: leaf.certificate,
    };
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** An HTTPS origin on port 0. */
export async function startOrigin(
  ca: OriginCa,
  name: string,
  handler: (req: IncomingMessage, res: ServerResponse) => void,
  options: ServerOptions = {},
): Promise<{ port: number; server: Server; stop(): Promise<void> }> {
  const server = createServer({ ...(await ca.certificate(name)), ...options }, handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    stop: () =>
      new Promise(resolve => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** When the last tunnel from this local port was asked for, in ms of the wall clock: at most one entry a port. */
const openedAt = new Map<number, number>();

/** CONNECT through the proxy; gives the raw socket after the head of the answer, that head, and our port. */
export function openTunnel(
  proxyPort: number,
  target: string,
  headers = '',
  localAddress = '127.0.0.1',
): Promise<{ socket: Socket; head: string; port: number }> {
  const asked = Date.now();
  return new Promise((resolve, reject) => {
    const socket = netConnect({ port: proxyPort, host: '127.0.0.1', localAddress }, () => {
      openedAt.set(socket.localPort ?? 0, asked);
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${headers}\r\n`);
    });
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData);
      socket.pause();
      const rest = Buffer.from(text.slice(end + 4), 'latin1');
      if (rest.length > 0) socket.unshift(rest);
      resolve({ socket, head: text.slice(0, end), port: socket.localPort ?? 0 });
    };
    socket.on('data', onData);
    socket.on('error', reject);
  });
}

/** TLS inside a tunnel, verified against `ca`. */
export function tlsInside(
  socket: Socket,
  servername: string,
  ca: string,
  alpn = ['http/1.1'],
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = tlsConnect({ socket, servername, ca, ALPNProtocols: alpn }, () => {
      resolve(tls);
    });
    tls.once('error', reject);
  });
}

/** Sends bytes and gives everything that comes back until the peer ends or `until` matches. */
export function converse(socket: Socket, send: string | Buffer | null, until?: RegExp): Promise<string> {
  return new Promise(resolve => {
    let text = '';
    const done = (): void => {
      socket.off('data', onData);
      resolve(text);
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (until?.test(text) === true) done();
    };
    socket.on('data', onData);
    socket.once('end', done);
    socket.once('close', done);
    socket.on('error', () => undefined);
    socket.resume();
    if (send !== null) socket.write(send);
  });
}
