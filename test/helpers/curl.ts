/**
 * curl as a client: run it, get what it saw as data. It verifies certificates unless the caller's own arguments say
 * otherwise, reads no .curlrc and no proxy variables, and never runs longer than 60 seconds.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CurlResult {
  /** Exit code of curl: 0 fine, 7 refused, 28 timed out, 35 TLS handshake failed, 56 receive failed, 60 not verified … */
  code: number;
  /** Status of the last response; 0 when there was none. */
  status: number;
  /** Status of the answer to CONNECT; 0 when there was none. */
  connectStatus: number;
  /** Fields of the last response, names in lower case; repeated ones joined by ", ". */
  headers: Record<string, string>;
  body: Buffer;
  stderr: string;
  /** Everything of curl's `%{json}`: times, sizes, `ssl_verify_result`, `http_version`, `num_connects` … */
  metrics: Record<string, unknown>;
}

/** Run curl with these arguments (URLs included; of several, body and metrics are those of the last). Rejects only when curl cannot be started. */
export async function curl(...args: string[]): Promise<CurlResult> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-curl-'));
  const [bodyFile, headFile] = [join(dir, 'body'), join(dir, 'head')];
  const own = ['-q', '--silent', '--show-error', '--max-time', '60', '--suppress-connect-headers'];
  const outputs = ['--output', bodyFile, '--dump-header', headFile, '--write-out', '%{json}\n'];
  try {
    const { code, stdout, stderr } = await run([...own, ...outputs, ...args]);
    const metrics = (stdout === '' ? {} : JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')) as Record<
      string,
      unknown
    >;
    return {
      code,
      status: Number(metrics['http_code'] ?? 0),
      connectStatus: Number(metrics['http_connect'] ?? 0),
      headers: lastHead(readOr(headFile).toString('latin1')),
      body: readOr(bodyFile),
      stderr,
      metrics,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
  return new Promise((resolve, reject) => {
    const child = spawn('curl', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('error', reject);
    child.on('close', code => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

function lastHead(text: string): Record<string, string> {
  const heads = text.split(/\r?\n\r?\n/).filter(head => head.startsWith('HTTP/'));
  const headers: Record<string, string> = {};
  for (const line of heads.at(-1)?.split(/\r?\n/).slice(1) ?? []) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

function readOr(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0); // curl makes no file when nothing came.
  }
}
