/**
 * A real nginx as origin: TLS with an ECDSA and with an RSA certificate, and plain HTTP, each on a free port, with an
 * access log as JSON that the tests count requests and bytes in. One process of ours, ended by its own handle.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import type { TestCa } from './tls-authority.ts';

/** One line of the access log. Written when the request is over; sizes in bytes. */
export interface OriginRequest {
  id: string;
  /** The value of the request's x-test field, or ''. */
  tag: string;
  method: string;
  uri: string;
  host: string;
  protocol: string;
  status: number;
  /** Response body as sent on the wire, without head and without chunk framing. */
  body_bytes_sent: number;
  /** Request line, head and body as received. */
  request_length: number;
  /** Response as sent, head included, TLS not. */
  bytes_sent: number;
  /** Serial number of the connection. */
  connection: string;
  port: string;
  /** `TLSv1.3` or ''. */
  tls: string;
}

export interface NginxOrigin {
  /** Ports of the three servers, all on 127.0.0.1. */
  ec: number;
  rsa: number;
  http: number;
  /** What has been logged so far. */
  requests: () => OriginRequest[];
  /** Waits until at least `count` requests are logged; rejects after ten seconds with what there is. */
  waitForRequests: (count: number) => Promise<OriginRequest[]>;
  countRequests: () => number;
  /** SHA-256 (hex) of the body at `/1k`, `/64k` or `/100m`. */
  digest: (path: '/1k' | '/64k' | '/100m') => string;
  /** Finishes what is in flight, ends, and gives the whole log; again when called again. */
  stop: () => Promise<OriginRequest[]>;
}

/**
 * Start it. Locations: `/` (page), `/1k`, `/64k`, `/100m` (fixed sizes), `/echo` (takes any upload and answers its size),
 * `/chunked` (64 KiB without Content-Length), `/slow` (64 KiB at 32 KiB/s), `/redirect`, `/404`, `/204`, `/cookie`, `/close`.
 */
export async function startNginx(options: { ca: TestCa; names?: readonly string[] }): Promise<NginxOrigin> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-nginx-'));
  const digests = writeSite(dir);
  const names = options.names ?? ['localhost', '127.0.0.1', '::1'];
  const certificates = { ec: options.ca.issue({ names }), rsa: options.ca.issue({ names, key: 'rsa' }) };

  // Between choosing a port and nginx taking it, another process may: then choose again.
  for (let attempt = 1; ; attempt++) {
    const [ec, rsa, http] = [await freePort(), await freePort(), await freePort()];
    const tls = (port: number, files: { certFile: string; keyFile: string }): string =>
      serverBlock(
        dir,
        `${port} ssl`,
        `ssl_certificate ${files.certFile}; ssl_certificate_key ${files.keyFile};`,
      );
    const servers = [
      tls(ec, certificates.ec),
      tls(rsa, certificates.rsa),
      serverBlock(dir, String(http), ''),
    ];
    writeFileSync(join(dir, 'nginx.conf'), configuration(dir, servers));
    const child = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], {
      stdio: 'ignore',
    });
    const problem = await answers(child, http, dir);
    if (problem === null) return origin(dir, child, { ec, rsa, http }, digests);
    if (attempt === 5 || !problem.includes('bind()')) {
      rmSync(dir, { recursive: true, force: true });
      throw new Error(`nginx did not start: ${problem}`);
    }
  }
}

function origin(
  dir: string,
  child: ChildProcess,
  ports: { ec: number; rsa: number; http: number },
  digests: Record<string, string>,
): NginxOrigin {
  let stopped: Promise<OriginRequest[]> | null = null;
  const requests = (): OriginRequest[] =>
    readFileSync(join(dir, 'access.log'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as OriginRequest);
  return {
    ...ports,
    requests,
    countRequests: () => requests().length,
    waitForRequests: async count => {
      const deadline = Date.now() + 10_000;
      for (;;) {
        const seen = requests();
        if (seen.length >= count) return seen;
        if (Date.now() > deadline) throw new Error(`expected ${count} requests at nginx, saw ${seen.length}`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    },
    digest: path => digests[path] ?? '',
    stop: () => (stopped ??= end()),
  };

  async function end(): Promise<OriginRequest[]> {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (!ended) {
      const closed = new Promise(resolve => child.once('close', resolve));
      child.kill('SIGQUIT');
      const impatient = setTimeout(() => child.kill('SIGTERM'), 3000);
      await closed;
      clearTimeout(impatient);
    }
    const log = requests();
    rmSync(dir, { recursive: true, force: true });
    return log;
  }
}

function configuration(dir: string, servers: readonly string[]): string {
  const fields: (keyof OriginRequest)[] = [
    'id',
    'tag',
    'method',
    'uri',
    'host',
    'protocol',
    'connection',
    'port',
    'tls',
  ];
  const sizes: (keyof OriginRequest)[] = ['status', 'body_bytes_sent', 'request_length', 'bytes_sent'];
  const variable: Partial<Record<keyof OriginRequest, string>> = {
    id: '$request_id',
    tag: '$http_x_test',
    method: '$request_method',
    uri: '$request_uri',
    host: '$http_host',
    protocol: '$server_protocol',
    port: '$server_port',
    tls: '$ssl_protocol',
  };
  const value = (field: keyof OriginRequest): string => variable[field] ?? `$${field}`;
  const members = [
    ...fields.map(field => `"${field}":"${value(field)}"`),
    ...sizes.map(field => `"${field}":${value(field)}`),
  ];
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    kind => `${kind}_temp_path ${dir}/${kind};`,
  );
  // As root, nginx would give its workers away to a user who cannot read our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user} daemon off; worker_processes 1; pid ${dir}/nginx.pid; error_log ${dir}/error.log warn;
events { worker_connections 4096; }
http {
  ${temporary.join(' ')}
  default_type application/octet-stream; server_tokens off; sendfile on;
  keepalive_timeout 60; keepalive_requests 1000000; client_max_body_size 0;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:1m;
  log_format facts escape=json '{${members.join(',')}}';
  access_log ${dir}/access.log facts;
  ${servers.join('\n  ')}
  server { listen unix:${dir}/sink.sock; access_log off; location / { default_type text/plain; return 200 "received $content_length\\n"; } }
}
`;
}

function serverBlock(dir: string, listen: string, tls: string): string {
  return `server {
    listen 127.0.0.1:${listen}; ${tls} root ${dir}/site;
    location = / { default_type text/html; try_files /index.html =404; }
    location = /slow { limit_rate 32k; try_files /64k =404; }
    location = /chunked { ssi on; ssi_types *; default_type text/plain; try_files /text =404; }
    location = /echo { proxy_pass http://unix:${dir}/sink.sock; proxy_http_version 1.1; proxy_request_buffering on; }
    location = /redirect { return 302 /1k; }
    location = /204 { return 204; }
    location = /cookie { add_header Set-Cookie "session=secret-$request_id; Secure; HttpOnly"; default_type text/plain; return 200 "cookie\\n"; }
    location = /close { keepalive_timeout 0; try_files /1k =404; }
    location / { }
  }`;
}

/** Files of the site and their digests. The 100 MiB are a hole in the file system and cost nothing. */
function writeSite(dir: string): Record<string, string> {
  const site = join(dir, 'site');
  mkdirSync(site);
  const digests: Record<string, string> = {};
  writeFileSync(join(site, 'index.html'), '<!doctype html><title>Origin</title><h1>Hello from nginx</h1>\n');
  for (const [name, size] of [
    ['1k', 1024],
    ['64k', 65_536],
  ] as const) {
    const body = Buffer.alloc(size, `${name} of text that compresses a little. `);
    writeFileSync(join(site, name), body);
    digests[`/${name}`] = createHash('sha256').update(body).digest('hex');
  }
  writeFileSync(join(site, 'text'), Buffer.alloc(65_536, 'chunked text\n'));
  writeFileSync(join(site, '100m'), '');
  truncateSync(join(site, '100m'), HUNDRED_MIB);
  return new Proxy(digests, {
    get: (known, path: string) => (path === '/100m' ? (known[path] ??= digestOfZeros()) : known[path]),
  });
}
const HUNDRED_MIB = 100 * 2 ** 20;

function digestOfZeros(): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(2 ** 20);
  for (let done = 0; done < HUNDRED_MIB; done += piece.length) hash.update(piece);
  return hash.digest('hex');
}

/** Null once the port takes connections; otherwise why the process ended. */
async function answers(child: ChildProcess, port: number, dir: string): Promise<string | null> {
  let ended: string | null = null;
  child.once('error', error => (ended = String(error)));
  child.once('exit', () => (ended ??= readFileSync(join(dir, 'error.log'), 'utf8')));
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    if (ended !== null) return ended;
    const open = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return null;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  child.kill('SIGKILL');
  return 'no answer within ten seconds';
}
