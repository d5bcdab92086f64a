/** Squid with `acl names ssl::server_name "file"`: listed names are terminated, others spliced to an origin that answers. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../helpers/free-port.ts';
import { start } from './process.ts';
import { helloFor } from './sni.ts';
import { judge } from './truth.ts';

const SPLICED = 'spliced';

judge({
  format: 'squid',
  consumer: 'Squid',
  async start({ dir, files }) {
    chmodSync(dir, 0o777);
    const origin = createServer(socket => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end(SPLICED));
    }).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    // Whatever goes wrong below, it keeps no test process alive.
    origin.unref();
    const target = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-subj',
        '/CN=squid under test',
        '-keyout',
        join(dir, 'key.pem'),
        '-out',
        join(dir, 'cert.pem'),
        '-days',
        '2',
      ],
      { stdio: 'ignore' },
    );
    chmodSync(join(dir, 'key.pem'), 0o644);
    const port = await freePort();
    const conf = join(dir, 'squid.conf');
    writeFileSync(
      conf,
      `http_port 127.0.0.1:${port} ssl-bump tls-cert=${join(dir, 'cert.pem')} tls-key=${join(dir, 'key.pem')} generate-host-certificates=off
acl first at_step SslBump1
acl names ssl::server_name "${files[0] ?? ''}"
ssl_bump peek first
ssl_bump terminate names
ssl_bump splice all
http_access allow all
pid_filename none
cache deny all
access_log none
cache_log ${join(dir, 'cache.log')}
coredump_dir ${dir}
shutdown_lifetime 0 seconds
sslcrtd_program /bin/false
sslcrtd_children 1 startup=0
visible_hostname squid.test
`,
    );
    const ask = (name: string): Promise<string> => throughProxy(port, target, helloFor(name));
    const running = await start('squid', ['-N', '-f', conf], async () => (await ask('x.test')) === SPLICED);
    return {
      ask: async name => (await ask(name)) !== SPLICED,
      async stop() {
        await running.stop();
        origin.close();
      },
    };
  },
  cannotAsk: {
    'example.com.': 'Squid keeps the dot, which no client sends (RFC 6066 §3); our own matcher takes it off',
    'www.example.com.': 'the same',
    '': 'without a SNI Squid goes by the host of the CONNECT, here an address; lists of names do not speak of it',
  },
});

/** CONNECT, then the hello; what came back after the proxy's answer. */
function throughProxy(port: number, target: string, hello: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`),
    );
    let got = '';
    let sent = false;
    socket.setTimeout(5000, () => {
      socket.destroy();
      reject(new Error(`no answer, only ${JSON.stringify(got)}`));
    });
    const done = (): void => {
      socket.destroy();
      if (sent) resolve(got);
      else reject(new Error(`Squid refuses the CONNECT: ${got.slice(0, 200)}`));
    };
    socket.on('data', data => {
      got += data.toString('latin1');
      if (!sent && got.includes('\r\n\r\n')) {
        if (!/^HTTP\/1\.[01] 200 /.test(got)) return done();
        got = got.slice(got.indexOf('\r\n\r\n') + 4);
        sent = true;
        socket.write(hello);
      }
    });
    socket.on('end', done);
    socket.on('error', (e: NodeJS.ErrnoException) => (e.code === 'ECONNRESET' ? done() : reject(e)));
  });
}
