/**
 * A real syslog-ng, the other receiver of RFC 5425 that Debian has. It excludes rsyslog, so scripts/apt-setup.mjs only unpacks
 * it; it runs from there, with a folder of its own.
 */
import fs from 'node:fs';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { startLogReceiver, type LogReceiver } from './log-receiver.ts';
import type { IssuedFiles } from './tls-authority.ts';

const UNPACKED = path.resolve(import.meta.dirname, '../../.cache/unpacked/syslog-ng-core');

export interface SyslogNgOptions {
  dir: string;
  tls: { server: IssuedFiles; caFile: string };
}

/** TLS, with a client certificate of the authority required. */
export async function startSyslogNg({ dir, tls }: SyslogNgOptions): Promise<LogReceiver> {
  const [out, config] = [path.join(dir, 'messages.log'), path.join(dir, 'syslog-ng.conf')];
  const port = await freePort();
  const libraries = path.join(UNPACKED, 'usr/lib/syslog-ng');
  const version = fs.readdirSync(libraries).find(name => /^\d+\.\d+$/.test(name)) ?? '';
  fs.writeFileSync(
    config,
    [
      `@version: ${version}`,
      'options { stats-freq(0); log-msg-size(16384); flush-lines(1); };',
      'source stream {',
      `  syslog(ip("127.0.0.1") port(${port}) transport("tls") flags(store-raw-message)`,
      `    tls(key-file("${tls.server.keyFile}") cert-file("${tls.server.certFile}") ca-file("${tls.caFile}")`,
      '      peer-verify(required-trusted)));',
      '};',
      `destination messages { file("${out}" template("\${RAWMSG}\\n")); };`,
      'log { source(stream); destination(messages); };',
      '',
    ].join('\n'),
  );
  const own = (flag: string, name: string): string[] => [flag, path.join(dir, name)];
  const multiarch = fs
    .readdirSync(path.join(UNPACKED, 'usr/lib'))
    .map(name => path.join(UNPACKED, 'usr/lib', name));
  return startLogReceiver({
    command: path.join(UNPACKED, 'usr/sbin/syslog-ng'),
    args: [
      ...['-F', '-e', '--no-caps', '--module-path', path.join(libraries, version)],
      ...[
        ...own('-f', 'syslog-ng.conf'),
        ...own('-R', 'state'),
        ...own('-c', 'control'),
        ...own('-p', 'pid'),
      ],
    ],
    env: {
      LD_LIBRARY_PATH: [
        libraries,
        ...multiarch,
        ...multiarch.map(dir => dir.replace('/usr/lib/', '/lib/')),
      ].join(':'),
    },
    port,
    out,
  });
}
