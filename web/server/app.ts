/**
 * The console's server: the order of its gates, its routes, its listeners. Express 5 over node:http; TLS is
 * a front's business (`console.listen` stays on loopback by default).
 *
 * A request passes, in this order: headers that bind the browser, the Host allow-list, and for the API the check of where
 * it comes from; then its route asks for session, permission and token. Nothing is served to a stranger but the client's
 * files, the answer "log in", and the two forms. It holds no traffic and no keys: everything comes through `deps`.
 *
 * Bounds: 512 connections; head and body of a request within 15 s and 16 KiB (policies and lists: web/server/body); streams and exports as their files say.
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Express } from 'express';
import { ApiFailure, failureHandler } from './answer.ts';
import type { AuditReader, ConsoleDeps } from './deps.ts';
import { doorOf } from './door.ts';
import { guardHeaders, guardHost, guardOrigin } from './guard.ts';
import { LiveHub } from './live.ts';
import type { LiveOptions } from './live.ts';
import { accountRoutes } from './routes/account.ts';
import { LARGE_BODIES } from './body.ts';
import { changeRoutes } from './routes/change.ts';
import { deployRoutes } from './routes/deploy.ts';
import { detailRoutes } from './routes/detail.ts';
import { evidenceRoutes } from './routes/evidence.ts';
import { exportRoutes } from './routes/export.ts';
import { listRefreshRoutes } from './routes/list-refresh.ts';
import { listRoutes } from './routes/lists.ts';
import { listTokenRoutes } from './routes/list-tokens.ts';
import { peopleRoutes } from './routes/people.ts';
import { policyRoutes } from './routes/policy.ts';
import { listFeedRoutes } from './routes/list-feed.ts';
import { recordRoutes } from './routes/records.ts';
import { revealRoutes } from './routes/reveals.ts';
import { secondFactorRoutes } from './routes/second-factor.ts';
import { ssoRoutes } from './routes/sso.ts';
import { stateRoutes } from './routes/state.ts';
import { streamRoutes } from './routes/streams.ts';
import { trafficRoutes } from './routes/traffic.ts';
import { clientFiles, defaultClientDir } from './static.ts';

export interface ConsoleAddress {
  host: string;
  port: number;
}

export interface Console {
  /** Listen at each address (port 0 picks one). All or none: when one fails the others are closed. */
  listen(addresses: readonly ConsoleAddress[]): Promise<ConsoleAddress[]>;
  /** Base URL of the first listener, as a browser on this machine reaches it. */
  url(): string;
  /** A fresh one-time set-up link while there is no admin, else null. Call it once a start, after `listen`. */
  firstRunLink(): string | null;
  /** Ends streams, refuses new connections, waits at most two seconds for answers under way. */
  close(): Promise<void>;
}

export interface ConsoleOptions {
  live?: LiveOptions;
  /** Rows an export may hold; tests lower it. */
  exportMax?: number;
}

export function createConsole(given: ConsoleDeps, options: ConsoleOptions = {}): Console {
  const deps: ConsoleDeps = { ...given, trail: guardedTrail(given), audit: guardedAudit(given) };
  const live = new LiveHub(deps, options.live);
  const app = buildApp(deps, live, options);
  let servers: Server[] = [];

  const url = (): string => {
    const address = servers[0]?.address() as AddressInfo | null | undefined;
    if (address === null || address === undefined) throw new Error('the console does not listen yet');
    const host = REACHED_AS[address.address] ?? address.address;
    return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  };

  return {
    async listen(addresses) {
      try {
        for (const address of addresses) {
          const server = newServer(app);
          await listening(server, address);
          servers.push(server);
        }
      } catch (error) {
        await Promise.all(servers.map(server => closed(server)));
        servers = [];
        throw error;
      }
      return servers.map(server => {
        const { address, port } = server.address() as AddressInfo;
        return { host: address, port };
      });
    },
    url,
    firstRunLink() {
      const token = deps.accounts.issueSetupToken();
      // In the fragment it is neither sent nor logged on the way; the page reads it and posts it.
      return token === null ? null : `${url()}/setup#${token}`;
    },
    async close() {
      live.close();
      const all = servers;
      servers = [];
      await Promise.all(all.map(server => closed(server)));
    },
  };
}

/** Whoever cannot be written down sees nothing, and is told why. */
function guardedTrail({ trail, log }: ConsoleDeps): ConsoleDeps['trail'] {
  return {
    append(event) {
      try {
        trail.append(event);
      } catch (error) {
        log?.(`console: the trail cannot be written, so ${event.action} is refused`, error);
        throw new ApiFailure(
          'unavailable',
          'This cannot be written into the trail now, and nothing is done unseen.',
          'Check the disk under the data directory; the log of the service has the details.',
        );
      }
    },
    page: (cursor, limit) => trail.page(cursor, limit),
  };
}

/** A store that fails is told as such: to the log in its own words, to the reader without them. */
function guardedAudit({ audit, log }: ConsoleDeps): AuditReader {
  const guard =
    <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        return await ask(...args);
      } catch (error) {
        log?.('console: the store of records failed', error);
        throw new ApiFailure(
          'unavailable',
          'The records cannot be read now.',
          'Try again, or ask for less; if it stays, the log of the service has the details.',
        );
      }
    };
  return {
    // A page is of the kind that was asked for, which the inner function cannot say for all kinds at once.
    search: guard((...args: Parameters<AuditReader['search']>) =>
      audit.search(...args),
    ) as AuditReader['search'],
    histogram: guard((...args) => audit.histogram(...args)),
    facets: guard((...args) => audit.facets(...args)),
    exchange: guard((...args) => audit.exchange(...args)),
    flow: guard((...args) => audit.flow(...args)),
    body: guard((...args) => audit.body(...args)),
    days: guard((...args) => audit.days(...args)),
  };
}

function buildApp(deps: ConsoleDeps, live: LiveHub, options: ConsoleOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(guardHeaders());
  app.use(guardHost(deps.hosts));
  app.use('/api', guardOrigin());
  app.use('/api', (req, _res, next) => {
    // HEAD would run the GET routes, and the stream among them, for nothing.
    if (req.method === 'GET' || req.method === 'POST') next();
    else next(new ApiFailure('bad-request', 'The API is asked by GET and POST only.', 'Use one of these.'));
  });
  const json = express.json({ limit: 16 * 1024, strict: true, type: 'application/json', inflate: false });
  app.use('/api', (req, res, next) => {
    // Large bodies are read by their routes, once they know who sends them.
    if (LARGE_BODIES.has(req.originalUrl.split('?', 1)[0] ?? '')) next();
    else json(req, res, next);
  });
  const api = express.Router({ caseSensitive: true, strict: true });
  const door = doorOf(deps, live);
  accountRoutes(api, deps, door);
  secondFactorRoutes(api, deps, door);
  peopleRoutes(api, deps);
  trafficRoutes(api, deps, live);
  detailRoutes(api, deps);
  exportRoutes(api, deps, options.exportMax);
  evidenceRoutes(api, deps, options.exportMax);
  revealRoutes(api, deps);
  stateRoutes(api, deps);
  deployRoutes(api, deps);
  policyRoutes(api, deps);
  changeRoutes(api, deps);
  listRoutes(api, deps);
  listRefreshRoutes(api, deps);
  listTokenRoutes(api, deps);
  streamRoutes(api, deps);
  recordRoutes(api, deps);
  app.use(api);
  app.use('/api', (_req, _res, next) => {
    next(
      new ApiFailure(
        'not-found',
        'The API has no such address.',
        'Reload the page; it may belong to an older version.',
      ),
    );
  });
  listFeedRoutes(app, deps);
  ssoRoutes(app, deps, door);
  app.use(clientFiles(deps.clientDir ?? defaultClientDir()));
  app.use(failureHandler(deps.log ?? (() => undefined)));
  return app;
}

function newServer(app: Express): Server {
  const options = {
    requestTimeout: 15_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 10_000,
    connectionsCheckingInterval: 5_000,
    maxHeaderSize: 16 * 1024,
  };
  const server = createServer(options, (req, res) => void app(req, res));
  server.maxConnections = 512;
  return server;
}

async function listening(server: Server, { host, port }: ConsoleAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closed(server: Server): Promise<void> {
  const patience = setTimeout(() => server.closeAllConnections(), 2000);
  await new Promise<void>(resolve => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(patience);
}

/** A wildcard listener is reached by loopback from the machine that prints the link. */
const REACHED_AS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '127.0.0.1' };
