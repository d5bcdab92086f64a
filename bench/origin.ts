/**
 * The origin that every implementation talks to: nginx with one worker, TLS with ECDSA P-256, one certificate for the
 * main name and one for each cold name, 1 KiB and 100 MiB of fixed pseudo-random bytes. Keys are made for the run and
 * die with its folder.
 */
import { execFile, type ChildProcess } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../test/helpers/free-port.ts';
import { coldName, MAIN_NAME } from './names.ts';
import { end, launch } from './processes.ts';
import { SIZES } from './workloads.ts';

const run = promisify(execFile);

export interface Pki {
  /** PEM of the authority of origin certificates, which implementations must trust. */
  originCa: string;
  /** PEM of the authority that peers intercept with; its key, and both in one file. */
  proxyCa: string;
  proxyKey: string;
  proxyBoth: string;
}

export interface Origin {
  port: number;
  pid: number;
  pki: Pki;
  stop(): Promise<void>;
}

export async function startOrigin(folder: string, cold: number, seed: number): Promise<Origin> {
  const pki = await makePki(folder, cold);
  makePayloads(folder, seed);
  const port = await freePort();
  const config = join(folder, 'origin.conf');
  writeFileSync(config, nginxConfig(folder, port));
  const child = launch(['nginx', '-p', folder, '-c', config], join(folder, 'origin.log'), process.env);
  await opened(port, child, 'nginx');
  return { port, pid: child.pid ?? 0, pki, stop: () => end(child) };
}

/** Resolves when something listens on the port; rejects when the child ends first or after 20 s. */
export async function opened(port: number, child: ChildProcess, what: string): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 100) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${what} ended at start, see its log`);
    const socket = net.connect(port, '127.0.0.1');
    const up = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (up) return;
    await sleep(100);
  }
  throw new Error(`${what} did not listen within 20 s`);
}

async function makePki(folder: string, cold: number): Promise<Pki> {
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('certs'), { recursive: true });
  const authority = async (name: string, subject: string): Promise<void> => {
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-subj', subject],
      ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ]);
  };
  await authority('origin-ca', '/CN=Bench origin authority');
  await authority('proxy-ca', '/CN=Bench proxy authority');
  await run('sh', ['-c', `cat "${at('proxy-ca.key')}" "${at('proxy-ca.pem')}" > "${at('proxy-both.pem')}"`]);
  await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at('origin.key')]);
  const leaf = async (name: string): Promise<void> => {
    await run('openssl', [
      ...[
        'req',
        '-x509',
        '-new',
        '-key',
        at('origin.key'),
        '-CA',
        at('origin-ca.pem'),
        '-CAkey',
        at('origin-ca.key'),
      ],
      ...['-days', '20', '-subj', `/CN=${name}`, '-out', at(`certs/${name}.pem`)],
      ...['-addext', `subjectAltName=DNS:${name}`, '-addext', 'extendedKeyUsage=serverAuth'],
      ...['-addext', 'keyUsage=critical,digitalSignature', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ]);
  };
  const names = [MAIN_NAME, ...Array.from({ length: cold }, (_, i) => coldName(i + 1))];
  for (let i = 0; i < names.length; i += 4) await Promise.all(names.slice(i, i + 4).map(leaf));
  return {
    originCa: at('origin-ca.pem'),
    proxyCa: at('proxy-ca.pem'),
    proxyKey: at('proxy-ca.key'),
    proxyBoth: at('proxy-both.pem'),
  };
}

/** Bytes that do not compress and are the same for the same seed: a cipher's key stream. */
function makePayloads(folder: string, seed: number): void {
  mkdirSync(join(folder, 'www'), { recursive: true });
  const key = Buffer.alloc(32);
  key.writeUInt32BE(seed >>> 0);
  for (const [path, size] of Object.entries(SIZES)) {
    const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
    writeFileSync(join(folder, 'www', path), stream.update(Buffer.alloc(size)));
  }
}

function nginxConfig(folder: string, port: number): string {
  return `user root; worker_processes 1; daemon off; pid ${folder}/origin.pid; error_log ${folder}/origin.err warn;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off; default_type application/octet-stream; sendfile on; tcp_nodelay on;
  keepalive_requests 100000000; keepalive_timeout 600s; client_body_temp_path ${folder}/tmp;
  proxy_temp_path ${folder}/tmp; fastcgi_temp_path ${folder}/tmp; uwsgi_temp_path ${folder}/tmp; scgi_temp_path ${folder}/tmp;
  ssl_certificate_key ${folder}/origin.key; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:o:10m; ssl_buffer_size 16k;
  server {
    listen 127.0.0.1:${port} ssl backlog=4096; server_name ${MAIN_NAME}; root ${folder}/www;
    ssl_certificate ${folder}/certs/${MAIN_NAME}.pem;
  }
  server {
    listen 127.0.0.1:${port} ssl; server_name *.origin.bench; root ${folder}/www;
    ssl_certificate ${folder}/certs/$ssl_server_name.pem;
  }
}
`;
}
