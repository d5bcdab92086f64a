/** dnsmasq, for its own format and for hosts files. A name is listed when it no longer resolves to where it is. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { resolvesTruly, world } from './dns.ts';
import { freePort } from '../helpers/free-port.ts';
import { start } from './process.ts';
import { judge } from './truth.ts';
import type { Consumer, Export } from './truth.ts';

const NO_SNI = { '': 'a resolver is always asked for a name' };

function dnsmasq(lines: (what: Export) => string[]): (what: Export) => Promise<Consumer> {
  return async what => {
    const outside = await world();
    const port = await freePort();
    const conf = join(what.dir, 'dnsmasq.conf');
    writeFileSync(
      conf,
      [
        `port=${port}`,
        'listen-address=127.0.0.1',
        'bind-interfaces',
        'no-resolv',
        'no-hosts',
        'cache-size=0',
        `server=127.0.0.1#${outside.port}`,
        'user=root',
        'pid-file=',
        ...lines(what),
        '',
      ].join('\n'),
    );
    const running = await start('dnsmasq', ['--keep-in-foreground', `--conf-file=${conf}`], () =>
      resolvesTruly(port, 'x.test'),
    );
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
  format: 'dnsmasq',
  consumer: 'dnsmasq',
  // A default server would be asked by `server=/name/#`, as it is in production.
  start: dnsmasq(({ files }) => [`conf-file=${files[0] ?? ''}`]),
  cannotAsk: NO_SNI,
});

judge({
  format: 'hosts',
  consumer: 'dnsmasq',
  start: dnsmasq(({ files }) => [`addn-hosts=${files[0] ?? ''}`]),
  cannotAsk: NO_SNI,
});
