/** A TLS client that only says hello, and listens for what comes back. */
import { connect } from 'node:net';
import type { NetConnectOpts, Socket } from 'node:net';
import * as b from '../helpers/hello-builder.ts';

/** A ClientHello with this SNI as it stands; without one for the empty name. */
export function helloFor(name: string): Buffer {
  const extensions = [b.versions(0x0304, 0x0303), b.groups(29, 23), b.alpn('http/1.1')];
  return b.hello({ extensions: name === '' ? extensions : [b.sni(name), ...extensions] });
}

/** Everything the other side sends until it ends, or until `enough` bytes; rejects after five seconds. */
export function exchange(to: NetConnectOpts, send: Buffer, enough: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(to, () => socket.write(send));
    let got = '';
    const done = (): void => {
      socket.destroy();
      resolve(got);
    };
    socket.setTimeout(5000, () => {
      socket.destroy();
      reject(new Error(`no answer, only ${JSON.stringify(got)}`));
    });
    socket.on('data', data => {
      got += data.toString('latin1');
      if (got.length >= enough) done();
    });
    socket.on('end', done);
    socket.on('error', (e: NodeJS.ErrnoException) =>
      e.code === 'ECONNRESET' || e.code === 'EPIPE' ? done() : reject(e),
    );
  });
}
