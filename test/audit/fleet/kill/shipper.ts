/**
 * Child of fleet-kill.test.ts: ships a spool until it is killed, or, when its input ends, until no segment is left. Arguments:
 * spool folder, URL of the collector, name, folder of certificates.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spoolIdentity } from '../../../../src/audit/fleet/identity.ts';
import { Link } from '../../../../src/audit/fleet/link.ts';
import { Pump } from '../../../../src/audit/fleet/pump.ts';
import { SpoolSource } from '../../../../src/audit/fleet/spool-source.ts';
import { say } from '../../kill/say.ts';

const [spoolDir = '', url = '', name = '', dir = ''] = process.argv.slice(2);
const source = new SpoolSource({ spoolDir, shared: false, maxBatch: 256 * 1024 });
const tls = { certificate: join(dir, `${name}.crt`), key: join(dir, `${name}.key`), ca: join(dir, 'ca.crt') };
const link = new Link({ url, name, spool: spoolIdentity(spoolDir), tls });
const pump = new Pump(source, link, spoolDir);
let ending = false;
process.stdin.on('end', () => {
  ending = true;
});
process.stdin.resume();
say('ready');
for (;;) {
  try {
    const moved = await pump.step();
    if (ending && !moved.more && source.segments().length === 0) break;
    await sleep(moved.more ? 0 : 5);
  } catch {
    // Whatever is down comes back; the product waits longer (back-off.ts).
    await sleep(40);
  }
}
link.close();
process.exit(0);
