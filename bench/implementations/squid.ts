import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/helpers/free-port.ts';
import { opened } from '../origin.ts';
import { end, launch } from '../processes.ts';
import type { Implementation, Running, StartOrder } from './implementation.ts';

/** Where Debian puts the helper that mints certificates. */
const CERTGEN = '/usr/lib/squid/security_file_certgen';

async function start({ mode, folder, pki, prefix }: StartOrder): Promise<Running> {
  const port = await freePort();
  execFileSync(CERTGEN, ['-c', '-s', join(folder, 'ssl_db'), '-M', '64MB'], { stdio: 'ignore' });
  copyFileSync(pki.proxyBoth, join(folder, 'ca.pem'));
  chmodSync(join(folder, 'ca.pem'), 0o644);
  const config = join(folder, 'squid.conf');
  writeFileSync(config, squidConfig(mode === 'inspect' ? 'bump' : 'splice', folder, port, pki.originCa));
  // Squid gives up root at start; everything it writes lies here.
  execFileSync('chown', ['-R', 'proxy:proxy', folder]);
  const child = launch([...prefix, 'squid', '-N', '-f', config], join(folder, 'output.log'), process.env);
  await opened(port, child, 'squid');
  return { port, pid: child.pid ?? 0, ca: pki.proxyCa, rows: () => null, stop: () => end(child) };
}

function squidConfig(action: 'bump' | 'splice', folder: string, port: number, trust: string): string {
  return `http_port 127.0.0.1:${port} ssl-bump cert=${folder}/ca.pem generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
sslcrtd_program ${CERTGEN} -s ${folder}/ssl_db -M 64MB
sslcrtd_children 5 startup=5 idle=1
tls_outgoing_options cafile=${trust}
acl first at_step SslBump1
ssl_bump peek first
ssl_bump ${action} all
http_access allow all
cache deny all
cache_mem 8 MB
pinger_enable off
logformat bench %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt %ssl::>sni %ssl::bump_mode
access_log stdio:${folder}/access.log logformat=bench
buffered_logs on
cache_log ${folder}/cache.log
cache_store_log none
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
hosts_file /etc/hosts
shutdown_lifetime 0 seconds
max_filedescriptors 16384
visible_hostname bench
netdb_filename none
via off
forwarded_for delete
`;
}

export const squid: Implementation = {
  name: 'squid',
  about: 'squid-openssl, one process, access log on, ssl_bump peek at step 1, then bump (or splice)',
  pace: 1,
  version() {
    const r = spawnSync('squid', ['-v'], { encoding: 'utf8' });
    if (r.status !== 0 || !existsSync(CERTGEN)) return null;
    return r.stdout.split('\n')[0] ?? null;
  },
  start,
};
