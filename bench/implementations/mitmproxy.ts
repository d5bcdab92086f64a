import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/helpers/free-port.ts';
import { opened } from '../origin.ts';
import { end, launch } from '../processes.ts';
import type { Implementation, Running, StartOrder } from './implementation.ts';

async function start({ mode, folder, pki, prefix }: StartOrder): Promise<Running> {
  const port = await freePort();
  const config = join(folder, 'conf');
  mkdirSync(config);
  copyFileSync(pki.proxyBoth, join(config, 'mitmproxy-ca.pem'));
  copyFileSync(pki.proxyCa, join(config, 'mitmproxy-ca-cert.pem'));
  const argv = [
    ...['mitmdump', '-q', '--listen-host', '127.0.0.1', '-p', String(port), '-w', join(folder, 'flows')],
    ...['--set', `confdir=${config}`, '--set', 'flow_detail=0'],
    ...['--set', `ssl_verify_upstream_trusted_ca=${pki.originCa}`],
    // It keeps whole bodies in memory unless told to stream, which would measure its memory, not its relay.
    ...['--set', 'stream_large_bodies=1m'],
    ...(mode === 'passthrough' ? ['--ignore-hosts', '.*'] : []),
  ];
  const child = launch([...prefix, ...argv], join(folder, 'output.log'), process.env);
  await opened(port, child, 'mitmdump');
  return { port, pid: child.pid ?? 0, ca: pki.proxyCa, rows: () => null, stop: () => end(child) };
}

export const mitmproxy: Implementation = {
  name: 'mitmproxy',
  about: 'mitmdump writing flows to a file, bodies over 1 MB streamed; passthrough is --ignore-hosts',
  pace: 0.12,
  version() {
    const r = spawnSync('mitmdump', ['--version'], { encoding: 'utf8' });
    return r.status === 0 ? (r.stdout.split('\n')[0] ?? null) : null;
  },
  start,
};
