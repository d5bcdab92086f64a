/**
 * Child of fleet-kill.test.ts: a collector on a PostgreSQL until it is killed. Arguments: PostgreSQL URL, password file, port,
 * folder of certificates.
 */
import { join } from 'node:path';
import { startCollector } from '../../../../src/audit/fleet/collector.ts';
import { Intake } from '../../../../src/audit/fleet/intake.ts';
import { PostgresWriter } from '../../../../src/audit/store/postgres/writer.ts';
import { parsePostgresUrl } from '../../../../src/core/postgres-address.ts';
import { say } from '../../kill/say.ts';

const [url = '', passwordFile = '', port = '', dir = ''] = process.argv.slice(2);
const writer = new PostgresWriter({ target: { address: parsePostgresUrl(url), passwordFile } });
await startCollector({
  listen: { host: '127.0.0.1', port: Number(port) },
  tls: {
    certificate: join(dir, 'collector.crt'),
    key: join(dir, 'collector.key'),
    ca: join(dir, 'ca.crt'),
  },
  allowed: [],
  intake: new Intake(writer),
  tell: () => undefined,
});
say('ready');
