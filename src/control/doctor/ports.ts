/**
 * Whether clients can reach the proxy on this machine: each listener is called as a client would call it and must answer
 * with the root certificate of this installation. What lies between here and the clients cannot be seen from here.
 */
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { CERTIFICATE_FILE } from '../../../ca/key-file.ts';
import { answer, type Answer } from './answer.ts';
import { words, type Patient } from './patient.ts';

const WILDCARDS = new Set(['::', '0.0.0.0']);
const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** `addresses`: those of this machine that others can reach; tests bring their own. */
export async function askPorts(
  { settings, patience }: Patient,
  addresses: readonly string[] = outward(),
): Promise<Answer[]> {
  if (settings.role === 'collector')
    return [answer('port-collector', 'This machine takes no clients: it collects what proxies record.')];
  const root = await readFile(join(settings['data-dir'], 'ca', CERTIFICATE_FILE)).catch(() => null);
  const answers: Answer[] = [];
  for (const { host, port } of settings['proxy.listen']) {
    const near = WILDCARDS.has(host) ? '127.0.0.1' : host;
    const heard = await call(near, port, patience);
    const at = `${near}:${port}`;
    if (heard.outcome === 'closed') {
      answers.push(answer('port-closed', `Nothing listens at ${at}.`, [heard.detail]));
      continue;
    }
    if (heard.outcome === 'silent') {
      answers.push(answer('port-mute', `${at} takes connections and says nothing.`, [heard.detail]));
      continue;
    }
    if (root === null || digest(heard.body) !== digest(root)) {
      answers.push(
        answer('port-stranger', `Another program answers at ${at}, or another installation of this one.`, [
          `it answered /ca.pem with status ${heard.status} and ${heard.body.length} bytes`,
        ]),
      );
      continue;
    }
    if (LOOPBACK.test(host)) {
      answers.push(answer('port-local', `The proxy serves at ${at}, for this machine only.`));
      continue;
    }
    const far = WILDCARDS.has(host) ? addresses : [host];
    const deaf: string[] = [];
    for (const address of far) {
      const there = await call(address, port, patience);
      if (there.outcome !== 'answered') deaf.push(`${address}:${port}: ${there.detail}`);
    }
    answers.push(
      deaf.length === 0
        ? answer(
            'port-serves',
            `The proxy serves at ${host}:${port}.`,
            far.map(a => `${a}:${port} answers`),
          )
        : answer(
            'port-filtered',
            `The proxy serves at ${at}, but not at every address of this machine.`,
            deaf,
          ),
    );
  }
  return answers;
}

interface Heard {
  outcome: 'answered' | 'closed' | 'silent';
  /** 0 and empty when it did not answer in HTTP. */
  status: number;
  body: Buffer;
  detail: string;
}

const NOTHING = Buffer.alloc(0);
const MAX_ANSWER = 64 * 1024;
/** Errors of a connection that never came about. */
const NOT_TAKEN = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'EACCES',
]);

function call(host: string, port: number, patience: number): Promise<Heard> {
  return new Promise(resolve => {
    let connected = false;
    const request = get({ host, port, path: '/ca.pem', agent: false, timeout: patience }, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void => {
        resolve({
          outcome: 'answered',
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks),
          detail: 'it answers',
        });
      };
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_ANSWER) chunks.push(chunk);
        else response.destroy();
      });
      response.on('close', done);
      // A cut answer is an answer; close follows.
      response.on('error', () => undefined);
    });
    request.on('socket', socket => socket.on('connect', () => (connected = true)));
    request.on('timeout', () => request.destroy(new Error(`no answer within ${patience / 1000} s`)));
    request.on('error', error => {
      const timedOut = error.message.startsWith('no answer');
      // Whatever else goes wrong comes from a peer that took the connection: it drops it, or does not speak HTTP.
      const closed = timedOut ? !connected : NOT_TAKEN.has(words(error));
      const outcome = closed ? 'closed' : timedOut ? 'silent' : 'answered';
      resolve({ outcome, status: 0, body: NOTHING, detail: words(error) });
    });
  });
}

const digest = (bytes: Buffer): string =>
  createHash('sha256').update(bytes.toString('latin1').trim()).digest('hex');

function outward(): string[] {
  return Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(i => !i.internal && !i.address.startsWith('fe80:'))
    .map(i => i.address);
}
