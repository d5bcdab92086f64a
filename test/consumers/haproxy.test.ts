/** HAProxy with the two pattern files, as the head of each says how to use it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { start } from './process.ts';
import { exchange, helloFor } from './sni.ts';
import { judge } from './truth.ts';

/** A back end that says its name. */
async function backend(path: string, word: string): Promise<Server> {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.end(word);
  }).listen(path);
  await once(server, 'listening');
  server.unref();
  chmodSync(path, 0o777);
  return server;
}

judge({
  format: 'haproxy',
  consumer: 'HAProxy',
  async start({ dir, files }) {
    chmodSync(dir, 0o755);
    const socket = join(dir, 'h.sock');
    const servers = [await backend(join(dir, 'yes.sock'), 'yes'), await backend(join(dir, 'no.sock'), 'no')];
    const conf = join(dir, 'haproxy.cfg');
    writeFileSync(
      conf,
      `global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend f
  bind unix@${socket}
  tcp-request inspect-delay 5s
  tcp-request content accept if { req.ssl_hello_type 1 }
  acl names req.ssl_sni -i -m str -f ${files[0] ?? ''}
  acl names req.ssl_sni -i -m end -f ${files[1] ?? ''}
  use_backend yes if names
  default_backend no
backend yes
  server s unix@${join(dir, 'yes.sock')}
backend no
  server s unix@${join(dir, 'no.sock')}
`,
    );
    const ask = (name: string): Promise<string> => exchange({ path: socket }, helloFor(name), 3);
    const running = await start('haproxy', ['-db', '-f', conf], async () => (await ask('x.test')) === 'no');
    return {
      async ask(name) {
        const answer = await ask(name);
        if (answer !== 'yes' && answer !== 'no') throw new Error(`HAProxy answers "${answer}"`);
        return answer === 'yes';
      },
      async stop() {
        await running.stop();
        for (const s of servers) s.close();
      },
    };
  },
  cannotAsk: {
    'example.com.':
      'the sample keeps the dot, which no client sends (RFC 6066 §3); our own matcher takes it off',
    'www.example.com.': 'the same',
  },
});
