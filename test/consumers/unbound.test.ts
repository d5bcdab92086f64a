/** Unbound, for its own format and for response policy zones. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolvesTruly, world } from './dns.ts';
import { freePort } from '../helpers/free-port.ts';
import { start } from './process.ts';
import { judge } from './truth.ts';
import type { Consumer, Export } from './truth.ts';

const NO_SNI = { '': 'a resolver is always asked for a name' };

function unbound(
  extra: (what: Export) => { modules: string; lines: string[] },
): (what: Export) => Promise<Consumer> {
  return async what => {
    const outside = await world();
    const port = await freePort();
    const conf = join(what.dir, 'unbound.conf');
    const { modules, lines } = extra(what);
    writeFileSync(
      conf,
      `server:
  interface: 127.0.0.1
  port: ${port}
  do-daemonize: no
  do-ip6: no
  chroot: ""
  username: ""
  directory: "${what.dir}"
  pidfile: "${join(what.dir, 'pid')}"
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  module-config: "${modules}"
  # Out of the box Unbound answers for test. itself.
  local-zone: "test." nodefault
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${outside.port}
${lines.join('\n')}
`,
    );
    execFileSync('unbound-checkconf', [conf], {
      stdio: 'pipe',
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    });
    const running = await start('unbound', ['-d', '-c', conf], () => resolvesTruly(port, 'x.test'));
    return {
      ask: async name => !(await resolvesTruly(port, name)),
      async stop() {
        await running.stop();
        await outside.close();
      },
    };
  };
}

judge({
  format: 'unbound',
  consumer: 'Unbound',
  start: unbound(({ files }) => ({ modules: 'iterator', lines: [`include: "${files[0] ?? ''}"`] })),
  cannotAsk: NO_SNI,
});

judge({
  format: 'rpz',
  consumer: 'Unbound',
  start: unbound(({ files }) => ({
    modules: 'respip iterator',
    lines: ['rpz:', '  name: "rpz.local"', `  zonefile: "${files[0] ?? ''}"`],
  })),
  cannotAsk: NO_SNI,
});
