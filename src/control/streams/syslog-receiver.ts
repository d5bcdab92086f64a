/**
 * A syslog receiver over TLS (RFC 5425), or plain TCP for a relay on loopback: frames with their length in octets, one connection.
 *
 * `send` resolves when the operating system took the bytes, which is all that syslog can tell: there is no acknowledgement. What
 * was on its way when the connection breaks may be lost; `lost` says that it broke, and the stream sends again from further
 * back. The receiver's certificate is always verified, for the name in the target. Time for everything: `timeoutMs`.
 */
import net from 'node:net';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';
import { splitHostPort } from '../../core/host-name.ts';
import { framed, syslogMessage } from '../../audit/export/syslog.ts';
import type { SyslogPayload } from '../../audit/export/syslog.ts';
import type { Sender } from '../../audit/export/facts.ts';
import type { FedRow } from '../../audit/store/store.ts';
import type { StreamConfig } from './document.ts';
import type { Receiver, Taken } from './stream.ts';

export class SyslogReceiver implements Receiver {
  readonly acknowledges = false;
  readonly #config: StreamConfig;
  readonly #sender: Sender;
  readonly #timeoutMs: number;
  #socket: net.Socket | null = null;
  #lost = false;

  constructor(config: StreamConfig, sender: Sender, timeoutMs = 20_000) {
    this.#config = config;
    this.#sender = sender;
    this.#timeoutMs = timeoutMs;
  }

  async send(rows: readonly FedRow[]): Promise<Taken> {
    const socket = this.#socket ?? (await this.#connect());
    const { facility, format, include } = this.#config;
    const options = { payload: format as SyslogPayload, facility, pid: process.pid, include };
    const frames = rows.map(fed => framed(syslogMessage(fed, this.#sender, options)));
    await this.#write(socket, Buffer.concat(frames));
    return { refused: 0, reason: null };
  }

  lost(): boolean {
    const lost = this.#lost;
    this.#lost = false;
    return lost;
  }

  reset(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#lost = false;
    // Ends gently where it can: what was written may still arrive.
    socket?.end();
    if (socket !== null) setTimeout(() => socket.destroy(), 1000).unref();
  }

  async #connect(): Promise<net.Socket> {
    const socket = await open(this.#config, this.#timeoutMs);
    socket.setKeepAlive(true, 30_000);
    socket.on('error', () => undefined);
    // A receiver has nothing to say; its end must still be noticed.
    socket.resume();
    socket.once('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#lost = true;
    });
    socket.once('end', () => socket.destroy());
    this.#socket = socket;
    return socket;
  }

  #write(socket: net.Socket, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => {
        clearTimeout(timer);
        socket.off('close', closed);
        if (error === undefined || error === null) resolve();
        else reject(error);
      };
      const closed = (): void => done(new Error('the receiver closed the connection'));
      const timer = setTimeout(() => {
        socket.destroy();
        done(new Error('the receiver took nothing in time'));
      }, this.#timeoutMs);
      socket.once('close', closed);
      socket.write(bytes, done);
    });
  }
}

/** Connects, verified. Rejects in words for people. */
function open(config: StreamConfig, timeoutMs: number): Promise<net.Socket> {
  const split = splitHostPort(config.target, 6514);
  if (split === null) return Promise.reject(new Error(`${config.target} is no receiver`));
  const host = split.host.replace(/^\[|\]$/g, '');
  const plain = config.to === 'syslog-tcp';
  const socket = plain
    ? net.connect({ host, port: split.port })
    : tls.connect({ host, port: split.port, ...tlsOptions(config, host) });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error('the receiver did not answer in time'));
    }, timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.once('error', failed);
    socket.once(plain ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

/** Trust and identity as the stream names them; files are read anew for each connection. */
export function tlsOptions(
  config: Pick<StreamConfig, 'ca' | 'certificate' | 'key'>,
  host: string,
): tls.ConnectionOptions {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(config.ca === null ? {} : { ca: readFileSync(config.ca) }),
    ...(config.certificate === null ? {} : { cert: readFileSync(config.certificate) }),
    ...(config.key === null ? {} : { key: readFileSync(config.key) }),
  };
}
