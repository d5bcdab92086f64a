/**
 * A real rsyslog as a child of the test: TLS with octet counting, its own configuration in its own folder, every message in one
 * file exactly as it came. Without queues, so that what is in the file is what it took. Ended by its own handle.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort } from './free-port.ts';
import type { IssuedFiles } from './tls-authority.ts';

export interface Rsyslog {
  readonly port: number;
  /** Messages so far, in the order they were taken. */
  lines(): string[];
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
  /** Start again on the same port and file. */
  restart(): Promise<void>;
  /** Everything it said about itself. */
  said(): string;
}

export interface RsyslogOptions {
  dir: string;
  /** Null: plain TCP. */
  tls: { server: IssuedFiles; caFile: string; clientMustBe?: string } | null;
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

export async function startRsyslog({ dir, tls }: RsyslogOptions): Promise<Rsyslog> {
  const out = path.join(dir, 'messages.log');
  const config = path.join(dir, 'rsyslog.conf');
  let child: ChildProcess | null = null;
  let said = '';
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

  const start = async (): Promise<void> => {
    const started = spawn('rsyslogd', ['-n', '-f', config, '-i', 'NONE'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    });
    child = started;
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (data: Buffer) => (said += data.toString()));
    for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
      if (await answers(port)) return;
      if (started.exitCode !== null) break;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    throw new Error(`rsyslogd did not start:\n${said}`);
  };

  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const gone = new Promise<void>(resolve => running.once('exit', () => resolve()));
    running.kill('SIGKILL');
    await gone;
  };

  await start();
  return {
    port,
    lines: () =>
      fs.existsSync(out)
        ? fs
            .readFileSync(out, 'utf8')
            .split('\n')
            .filter(line => line !== '')
        : [],
    kill,
    restart: start,
    said: () => said,
  };
}
