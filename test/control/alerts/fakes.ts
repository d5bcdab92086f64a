/** A rule and a notice for tests of alerts, and a strict SMTP server that speaks TLS. */
import net from 'node:net';
import tls from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { NOON } from '../../audit/sample.ts';
import { makeTestCa } from '../../helpers/tls-authority.ts';
import type { AlertRule } from '../../../src/control/alerts/rule.ts';
import type { Notice } from '../../../src/control/alerts/shelf.ts';

export const rule = (changes: Partial<AlertRule> = {}): AlertRule => ({
  name: 'many failures',
  kind: 'exchanges',
  query: 'status:>=500',
  threshold: 3,
  windowMs: 60_000,
  groupBy: 'none',
  coolDownMs: 600_000,
  deliver: [{ to: 'webhook', url: 'https://hooks.example.com/x' }],
  enabled: true,
  ...changes,
});

export const notice = (changes: Partial<Notice> = {}): Notice => ({
  ...{ rule: 'many failures', group: '', groupBy: 'none', count: 3, threshold: 3, windowMs: 60_000 },
  ...{ query: 'status:>=500', kind: 'exchanges', fired: NOON, lastRow: NOON - 5, test: false },
  ...changes,
});

export interface SmtpFake {
  port: number;
  caPem: string;
  /** What was said after STARTTLS, line by line; mails as one text each. */
  commands: string[];
  mails: string[];
  /** Commands that came before the connection was encrypted. */
  inClear: string[];
}

/** RFC 5321 as far as a mail needs it: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA. Anything out of order is answered 503. */
export async function smtpFake(
  t: TestContext,
  options: { implicit: boolean; starttls?: boolean; user?: string },
): Promise<SmtpFake> {
  const ca = makeTestCa();
  const { cert, key } = ca.issue({ names: ['localhost'] });
  const fake: SmtpFake = { port: 0, caPem: ca.caPem, commands: [], mails: [], inClear: [] };
  const sockets = new Set<net.Socket>();
  const speak = (socket: net.Socket, encrypted: boolean, greet: boolean): void => {
    let text = '';
    let data: string[] | null = null;
    let stage = 'begin';
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    if (greet) say('220 fake ESMTP');
    const take = (line: string): void => {
      if (data !== null) {
        if (line === '.') {
          fake.mails.push(data.map(l => l.replace(/^\.\./, '.')).join('\n'));
          data = null;
          stage = 'ready';
          return say('250 taken');
        }
        data.push(line);
        return;
      }
      (encrypted ? fake.commands : fake.inClear).push(line);
      const [verb = ''] = line.toUpperCase().split(' ');
      if (verb === 'EHLO') {
        stage = 'ready';
        say('250-fake');
        if (!encrypted && options.starttls !== false) say('250-STARTTLS');
        return say(encrypted && options.user !== undefined ? '250 AUTH PLAIN' : '250 8BITMIME');
      }
      if (verb === 'QUIT') {
        say('221 bye');
        return void socket.end();
      }
      if (verb === 'STARTTLS' && !encrypted && options.starttls !== false) {
        say('220 go on');
        socket.removeAllListeners('data');
        const secure = new tls.TLSSocket(socket, { isServer: true, cert, key });
        secure.on('error', () => undefined);
        return speak(secure, true, false);
      }
      if (!encrypted) return say('530 STARTTLS first');
      if (verb === 'AUTH') {
        const given = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
        return say(given === `\u0000${options.user}\u0000pass` ? '235 welcome' : '535 who are you');
      }
      if (verb === 'MAIL' && stage === 'ready') {
        stage = 'from';
        return say('250 ok');
      }
      if (verb === 'RCPT' && stage === 'from') {
        stage = 'to';
        return say('250 ok');
      }
      if (verb === 'DATA' && stage === 'to') {
        data = [];
        return say('354 go on');
      }
      say('503 out of order');
    };
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      for (let at = text.indexOf('\r\n'); at >= 0; at = text.indexOf('\r\n')) {
        const line = text.slice(0, at);
        text = text.slice(at + 2);
        take(line);
      }
    });
    socket.on('error', () => undefined);
  };
  const accept = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    speak(socket, options.implicit, true);
  };
  const server = options.implicit ? tls.createServer({ cert, key }, accept) : net.createServer(accept);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    ca.remove();
  });
  fake.port = (server.address() as AddressInfo).port;
  return fake;
}
