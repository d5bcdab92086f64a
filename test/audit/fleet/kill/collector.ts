/**
 * Child of fleet-kill.test.ts: a collector on a PostgreSQL, which signs what it stores, until it is killed. Arguments: PostgreSQL
 * URL, password file, port, folder of certificates and of the key that signs.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from '../../../../src/audit/fleet/collector.ts';
import { Intake } from '../../../../src/audit/fleet/intake.ts';
import { LastSigned } from '../../../../src/audit/last-signed.ts';
import { Notary } from '../../../../src/audit/notary.ts';
import { signerOf } from '../../../../src/audit/statement.ts';
import { PostgresWriter } from '../../../../src/audit/store/postgres/writer.ts';
import { parsePostgresUrl } from '../../../../src/core/postgres-address.ts';
import { say } from '../../kill/say.ts';

const [url = '', passwordFile = '', port = '', dir = ''] = process.argv.slice(2);
const signer = signerOf(createPrivateKey(readFileSync(join(dir, 'audit.key'))));
const steady = (): number => performance.now();
const writer = new PostgresWriter({
  target: { address: parsePostgresUrl(url), passwordFile },
  notary: new Notary({ now: Date.now, steady, signer, sealer: null, witness: null }),
  memory: new LastSigned(join(dir, 'last.checkpoint')),
});
const intake = new Intake(writer);
await startCollector({
  listen: { host: '127.0.0.1', port: Number(port) },
  tls: {
    certificate: join(dir, 'collector.crt'),
    key: join(dir, 'collector.key'),
    ca: join(dir, 'ca.crt'),
  },
  allowed: [],
  intake,
  tell: () => undefined,
});
say('ready');
// As the fleet's thread does between its steps; what cannot be done now is done the next time.
for (;;) {
  await sleep(20);
  await intake.vouch({ name: 'collector', spool: Buffer.alloc(16, 9) }).catch(() => undefined);
}
