/**
 * A real rsyslog: TLS with octet counting, its own configuration in its own folder, every message in one file exactly as it
 * came. Without queues, so that what is in the file is what it took.
 */
import fs from 'node:fs';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { startLogReceiver, type LogReceiver } from './log-receiver.ts';
import type { IssuedFiles } from './tls-authority.ts';

export interface RsyslogOptions {
  dir: string;
  /** Null: plain TCP. */
  tls: { server: IssuedFiles; caFile: string; clientMustBe?: string } | null;
}

export async function startRsyslog({ dir, tls }: RsyslogOptions): Promise<LogReceiver> {
  const out = path.join(dir, 'messages.log');
  const config = path.join(dir, 'rsyslog.conf');
  const port = await freePort();

  const auth = tls?.clientMustBe === undefined ? 'anon' : 'x509/name';
  const peer = tls?.clientMustBe === undefined ? '' : ` PermittedPeer=["${tls.clientMustBe}"]`;
  fs.writeFileSync(
    config,
    [
      `global(workDirectory="${dir}" maxMessageSize="16k" parser.escapeControlCharactersOnReceive="off"`,
      ...(tls === null
        ? []
        : [
            `  DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="${tls.caFile}"`,
            `  DefaultNetstreamDriverCertFile="${tls.server.certFile}" DefaultNetstreamDriverKeyFile="${tls.server.keyFile}"`,
          ]),
      ')',
      'main_queue(queue.type="Direct")',
      tls === null
        ? 'module(load="imtcp")'
        : `module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="${auth}"${peer})`,
      'template(name="raw" type="string" string="%rawmsg%\\n")',
      `input(type="imtcp" address="127.0.0.1" port="${port}")`,
      `action(type="omfile" file="${out}" template="raw" asyncWriting="off" flushOnTXEnd="on")`,
      '',
    ].join('\n'),
  );

  return startLogReceiver({
    ...{ command: 'rsyslogd', args: ['-n', '-f', config, '-i', 'NONE'], port, out },
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
}
