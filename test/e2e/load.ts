/**
 * Clients under load: some keep-alive TLS connections through a proxy, each asking for a path of its own, again and again.
 * An id counts as answered when the whole response had arrived. Connections that break are made anew.
 */
import { connect as netConnect, type Socket } from 'node:net';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';

export interface LoadOptions {
  /** Asked before each connection, so that a proxy may come back elsewhere. */
  proxyPort: () => number;
  /** PEM the proxy's leaves are verified against. */
  ca: string;
  host: string;
  port: number;
  connections: number;
  /** Requests on one connection before it is closed and made anew; default 20. */
  perConnection?: number;
}

export interface Load {
  /** Ids whose whole answer arrived, in order. Their paths are `/1k?id=<id>`. */
  readonly answered: string[];
  /** Attempts that broke. */
  readonly broken: () => number;
  /** Resolves when `more` further requests were answered; rejects after `within` ms, 15,000 unless told. */
  progress: (more: number, within?: number) => Promise<void>;
  /** Finishes the requests under way and ends. */
  stop: () => Promise<void>;
}

let runs = 0;

export function startLoad(options: LoadOptions): Load {
  const run = ++runs;
  const answered: string[] = [];
  let counter = 0;
  let broken = 0;
  let stopping = false;

  async function client(): Promise<void> {
    while (!stopping) {
      let socket: TLSSocket | null = null;
      try {
        socket = await through(options);
        for (let n = 0; n < (options.perConnection ?? 20) && !stopping; n++) {
          const id = `${run}-${++counter}`;
          await ask(socket, options.host, id);
          answered.push(id);
        }
      } catch {
        broken++;
        await new Promise(resolve => setTimeout(resolve, 10));
      } finally {
        socket?.destroy();
      }
    }
  }
  const clients = Array.from({ length: options.connections }, client);
  return {
    answered,
    broken: () => broken,
    async progress(more, within = 15_000) {
      const goal = answered.length + more;
      for (const deadline = Date.now() + within; answered.length < goal;) {
        if (Date.now() > deadline)
          throw new Error(`no progress: ${answered.length} answered, ${goal} wanted, ${broken} broken`);
        await new Promise(resolve => setTimeout(resolve, 5));
      }
    },
    async stop() {
      stopping = true;
      await Promise.all(clients);
    },
  };
}

/** CONNECT and TLS, verified. Rejects when any of it does not come about within five seconds. */
export function through(options: {
  proxyPort: () => number;
  ca: string;
  host: string;
  port: number;
}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const target = `${options.host}:${options.port}`;
    const socket: Socket = netConnect(options.proxyPort(), '127.0.0.1', () => {
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(5_000, () => fail(new Error('timed out')));
    socket.once('error', fail);
    socket.once('close', () => {
      fail(new Error('closed'));
    });
    socket.once('data', (head: Buffer) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 200 ')) return void fail(new Error('refused'));
      const tls = tlsConnect({
        socket,
        servername: options.host,
        ca: options.ca,
        ALPNProtocols: ['http/1.1'],
      });
      tls.once('secureConnect', () => {
        socket.setTimeout(0);
        resolve(tls);
      });
      tls.once('error', fail);
      tls.once('close', () => {
        fail(new Error('closed'));
      });
    });
  });
}

/** One request on a connection; resolves when its 1 KiB answer was complete. */
export function ask(socket: TLSSocket, host: string, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const leave = (): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.off('error', onClose);
    };
    const onData = (data: Buffer): void => {
      text += data.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? -1);
      if (text.length < end + 4 + length) return;
      leave();
      if (text.startsWith('HTTP/1.1 200 ')) resolve();
      else reject(new Error(text.slice(0, 40)));
    };
    const onClose = (): void => {
      leave();
      reject(new Error('the connection broke'));
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.once('error', onClose);
    socket.write(`GET /1k?id=${id} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}
