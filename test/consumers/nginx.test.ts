/** nginx with its stream map: the reference for the table, because it means exactly what it says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './process.ts';
import { exchange, helloFor } from './sni.ts';
import { judge } from './truth.ts';

const MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

judge({
  format: 'nginx',
  consumer: 'nginx',
  async start({ dir, files }) {
    const socket = join(dir, 'n.sock');
    const conf = join(dir, 'nginx.conf');
    writeFileSync(
      conf,
      `load_module ${MODULE};
daemon off; pid ${join(dir, 'pid')}; error_log ${join(dir, 'error.log')}; worker_processes 1;
events { worker_connections 64; }
stream {
  include ${files[0] ?? ''};
  server { listen unix:${socket}; ssl_preread on; return "listed=$sightglass_names"; }
}
`,
    );
    const ask = async (name: string): Promise<string> => exchange({ path: socket }, helloFor(name), 8);
    const running = await start('nginx', ['-p', dir, '-c', conf, '-e', join(dir, 'error.log')], async () =>
      (await ask('x.test')).startsWith('listed='),
    );
    return {
      ask: async name => (await ask(name)) === 'listed=1',
      stop: () => running.stop(),
    };
  },
});
