/**
 * The listener for machines that watch the service: `/metrics` for Prometheus, `/healthz` and `/readyz` for whatever
 * restarts it or sends it clients. Off unless `metrics.listen` names an address; it asks for no credentials and tells no
 * host, user or client, so it may stand on a network of operators, not on one of strangers.
 *
 * Bounds: 32 connections, 5 s for a request, answers of fixed size; a scrape that comes while one is being gathered waits
 * for the same answer.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProbeSiteParts {
  listen: readonly { host: string; port: number }[];
  metrics: { contentType: string; text(): Promise<string> };
  /** What keeps the service from taking connections, in words; empty when it is ready. */
  obstacles(): string[];
}

export interface RunningProbeSite {
  /** What it is bound to: no flow may lead there. */
  listeners: { host: string; port: number }[];
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 32;
const REQUEST_MS = 5_000;

/** Opens the listeners. Rejects with the system's error when one cannot be opened; then none stays open. */
export async function startProbeSite(parts: ProbeSiteParts): Promise<RunningProbeSite> {
  const servers: Server[] = [];
  const listeners: { host: string; port: number }[] = [];
  let gathering: Promise<string> | null = null;
  const scrape = (): Promise<string> =>
    (gathering ??= parts.metrics.text().finally(() => {
      gathering = null;
    }));
  const close = async (): Promise<void> => {
    await Promise.all(
      servers.map(server => {
        server.closeAllConnections();
        return new Promise(resolve => server.close(resolve));
      }),
    );
  };
  try {
    for (const { host, port } of parts.listen) {
      const server = createServer((request, response) => {
        void answer(parts, scrape, request, response);
      });
      server.maxConnections = MAX_CONNECTIONS;
      server.requestTimeout = REQUEST_MS;
      server.headersTimeout = REQUEST_MS;
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, resolve);
      });
      listeners.push({ host, port: (server.address() as AddressInfo).port });
    }
  } catch (e) {
    await close();
    throw e;
  }
  return { listeners, close };
}

async function answer(
  parts: ProbeSiteParts,
  scrape: () => Promise<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    text(405, 'Only GET and HEAD are answered here.\n');
    return;
  }
  switch (new URL(request.url ?? '/', 'http://probe').pathname) {
    case '/metrics':
      await scrape().then(
        body => {
          text(200, body, parts.metrics.contentType);
        },
        () => {
          text(503, 'The metrics could not be gathered; the log says why.\n');
        },
      );
      return;
    case '/healthz':
      text(200, 'alive\n');
      return;
    case '/readyz': {
      const obstacles = parts.obstacles();
      if (obstacles.length === 0) text(200, 'ready\n');
      else text(503, `${obstacles.join('\n')}\n`);
      return;
    }
    default:
      text(404, 'Here are /metrics, /healthz and /readyz.\n');
  }
}
