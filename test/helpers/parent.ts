/**
 * A small upstream HTTP proxy on loopback: CONNECT and absolute-form, names resolved from a table. It keeps what it was
 * asked, and may be told to answer CONNECT with other bytes. With a certificate it speaks TLS; with a `login` it
 * answers 407 to whoever does not send it.
 */
import { createServer as createTlsServer } from 'node:tls';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TestParent {
  readonly port: number;
  /** First line of each request, in order. */
  readonly asked: string[];
  /** Heads as they came. */
  readonly heads: string[];
  /**
   * What CONNECT is answered with instead of a tunnel; null opens one. The connection ends after it when it is no 2xx,
   * unless it is empty: then nothing ever comes.
   */
  answer: string | null;
  /** Bytes sent in one write with the head of a 200. */
  early: string;
  stop(): Promise<void>;
}

export interface TestParentOptions {
  tls?: { key: string; cert: string };
  /** `user:password` without which it answers 407. */
  login?: string;
}

const CHALLENGE =
  'HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm="test"\r\nContent-Length: 0\r\n\r\n';

const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;

export async function startParent({ tls, login }: TestParentOptions = {}): Promise<TestParent> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true })
      : createTlsServer({ ...tls, ALPNProtocols: ['http/1.1'], allowHalfOpen: true });
  // A handshake that fails leaves a socket that no `secureConnection` tells of.
  server.on('connection', keep);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (client: Socket) => {
    keep(client);
    let text = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      text = Buffer.concat([text, chunk]);
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      client.off('data', onData);
      client.pause();
      serve(client, text.toString('latin1', 0, end), text.subarray(end + 4));
    };
    client.on('data', onData);
  });

  function serve(client: Socket, head: string, rest: Buffer): void {
    const line = head.slice(0, head.indexOf('\r\n'));
    self.heads.push(head);
    self.asked.push(line);
    const [method = '', target = ''] = line.split(' ');
    const tunnel = method === 'CONNECT';
    if (login !== undefined && !head.includes(`\r\nProxy-Authorization: ${basic(login)}`)) {
      client.resume();
      client.end(CHALLENGE, 'latin1');
      return;
    }
    if (self.answer !== null) {
      client.resume();
      if (self.answer !== '') client.end(self.answer, 'latin1');
      return;
    }
    const at = new URL(tunnel ? `http://${target}` : target);
    const origin = keep(connect({ host: '127.0.0.1', port: Number(at.port || 80), allowHalfOpen: true }));
    origin.on('connect', () => {
      if (tunnel) client.write(`HTTP/1.1 200 Go ahead\r\nVia: test\r\n\r\n${self.early}`, 'latin1');
      else origin.write(`${method} ${at.pathname}${at.search}${head.slice(line.lastIndexOf(' '))}\r\n\r\n`);
      if (rest.length > 0) origin.write(rest);
      client.pipe(origin);
      origin.pipe(client);
    });
    origin.on('error', () => client.destroy());
    client.on('close', () => origin.destroy());
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const self: TestParent = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    heads: [],
    answer: null,
    early: '',
    stop: () =>
      new Promise(resolve => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
  return self;
}
