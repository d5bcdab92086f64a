/** BIND: named-checkzone reads every response policy zone, named answers by it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolvesTruly, world } from './dns.ts';
import { freePort } from '../helpers/free-port.ts';
import { start } from './process.ts';
import { judge } from './truth.ts';

const CANARY = 'canary-of-the-test.invalid';

judge({
  format: 'rpz',
  consumer: 'BIND',
  async start({ dir, files }) {
    const zone = files[0] ?? '';
    const checked = execFileSync('named-checkzone', ['rpz.local', zone], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    });
    assert.match(checked, /loaded serial \d+\nOK/);
    assert.doesNotMatch(checked, /warning|ignoring/i);
    // named answers before its policy zones are in force: one name more tells when they are.
    const armed = join(dir, 'armed.zone');
    writeFileSync(armed, `${readFileSync(zone, 'utf8')}\n${CANARY} CNAME .\n`);
    const outside = await world();
    const port = await freePort();
    const conf = join(dir, 'named.conf');
    writeFileSync(
      conf,
      `options {
  directory "${dir}"; pid-file none; session-keyfile none; lock-file none;
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion yes; forward only; forwarders { 127.0.0.1 port ${outside.port}; };
  dnssec-validation no; empty-zones-enable no; max-cache-ttl 0; max-ncache-ttl 0; qname-minimization off;
  response-policy { zone "rpz.local"; } qname-wait-recurse no;
};
controls { };
zone "rpz.local" { type primary; file "${armed}"; };
`,
    );
    const running = await start(
      'named',
      ['-g', '-c', conf],
      async () => !(await resolvesTruly(port, CANARY)),
    );
    return {
      ask: async name => !(await resolvesTruly(port, name)),
      async stop() {
        await running.stop();
        await outside.close();
      },
    };
  },
  cannotAsk: { '': 'a resolver is always asked for a name' },
});
