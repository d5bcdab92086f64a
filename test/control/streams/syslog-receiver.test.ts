/** Syslog against a real rsyslog: what was sent over TLS is read back line by line, with and without a client certificate. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SyslogReceiver } from '../../../src/control/streams/syslog-receiver.ts';
import { startRsyslog } from '../../helpers/rsyslog.ts';
import { makeTestCa } from '../../helpers/tls-authority.ts';
import { parseMessage } from '../../audit/export/syslog-reader.ts';
import { fedEvent, fedExchange, fedFlow } from '../../audit/export/fed.ts';
import { HOSTILE, scratch } from '../../audit/sample.ts';
import { config, SENDER } from './fakes.ts';
import { startSyslogNg } from '../../helpers/syslog-ng.ts';
import type { LogReceiver } from '../../helpers/log-receiver.ts';
import type { FedRow } from '../../../src/audit/store/store.ts';

async function until(receiver: LogReceiver, lines: number): Promise<string[]> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
    const found = receiver.lines();
    if (found.length >= lines) return found;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error(`${receiver.lines().length} of ${lines} lines came\n${receiver.said()}`);
}

describe('rsyslog', { timeout: 60_000 }, () => {
  it('over TLS reads back what was sent, hostile texts and long ones included', async t => {
    const ca = makeTestCa();
    t.after(() => ca.remove());
    const server = ca.issue({ names: ['localhost'] });
    const client = ca.issue({ names: ['proxy1.example.test'], eku: 'clientAuth' });
    const rsyslog = await startRsyslog({
      dir: scratch(t),
      tls: { server, caFile: ca.caFile, clientMustBe: 'proxy1.example.test' },
    });
    t.after(() => rsyslog.kill());
    const target = `localhost:${rsyslog.port}`;
    const settings = config({
      to: 'syslog-tls',
      target,
      ca: ca.caFile,
      certificate: client.certFile,
      key: client.keyFile,
    });
    const receiver = new SyslogReceiver(settings, SENDER);
    t.after(() => receiver.reset());
    const records: FedRow[] = [
      fedExchange(),
      fedFlow(),
      fedEvent(),
      ...HOSTILE.map(path => fedExchange({ path, user: path })),
      fedExchange({ path: `/${'long'.repeat(10_000)}` }),
    ];
    for (let i = 0; i < 3; i++) await receiver.send(records);
    const lines = await until(rsyslog, records.length * 3);
    assert.equal(lines.length, records.length * 3);
    const messages = lines.map(parseMessage);
    assert.deepEqual(
      messages.slice(0, 3).map(m => [m.host, m.app, m.msgid]),
      [
        ['proxy1.example.test', 'sightglass', 'exchange'],
        ['proxy1.example.test', 'sightglass', 'flow'],
        ['proxy1.example.test', 'sightglass', 'policy.applied'],
      ],
    );
    const users = messages
      .slice(3, 3 + HOSTILE.length)
      .map(m => (JSON.parse(m.msg) as { user: string }).user);
    assert.deepEqual(
      users,
      HOSTILE.map(text => text.replace(/\p{Cs}/gu, '\ufffd')),
    );

    // Without its certificate the same receiver refuses us, and one that nobody vouches for gets nothing.
    const nameless = new SyslogReceiver({ ...settings, certificate: null, key: null }, SENDER);
    await nameless.send([fedEvent()]).catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, 200));
    assert.equal(rsyslog.lines().length, records.length * 3);
    nameless.reset();
    await assert.rejects(
      new SyslogReceiver({ ...settings, ca: null }, SENDER).send([fedEvent()]),
      /certificate|issuer/i,
    );
    await assert.rejects(
      new SyslogReceiver({ ...settings, target: `127.0.0.1:${rsyslog.port}` }, SENDER).send([fedEvent()]),
      /altnames|IP/i,
    );
  });

  it('over plain TCP on loopback takes CEF', async t => {
    const rsyslog = await startRsyslog({ dir: scratch(t), tls: null });
    t.after(() => rsyslog.kill());
    const target = `127.0.0.1:${rsyslog.port}`;
    const receiver = new SyslogReceiver(config({ to: 'syslog-tcp', target, format: 'cef' }), SENDER);
    t.after(() => receiver.reset());
    await receiver.send([fedExchange()]);
    assert.match((await until(rsyslog, 1))[0] ?? '', / CEF:0\|Sightglass\|/);
    assert.equal(receiver.lost(), false);
    await rsyslog.kill();
    for (let i = 0; i < 100 && !receiver.lost(); i++) {
      await new Promise(resolve => setTimeout(resolve, 20));
      if (i === 99) assert.fail('the loss was not noticed');
    }
    await assert.rejects(receiver.send([fedExchange()]), /ECONNREFUSED/);
  });
});

describe('syslog-ng', { timeout: 60_000 }, () => {
  it('over TLS, with client certificates, reads back what was sent', async t => {
    const ca = makeTestCa();
    t.after(() => ca.remove());
    const client = ca.issue({ names: ['proxy1.example.test'], eku: 'clientAuth' });
    const tls = { server: ca.issue({ names: ['localhost'] }), caFile: ca.caFile };
    const syslogNg = await startSyslogNg({ dir: scratch(t), tls });
    t.after(() => syslogNg.kill());
    const receiver = new SyslogReceiver(
      config({
        ...{ to: 'syslog-tls', target: `localhost:${syslogNg.port}`, ca: ca.caFile },
        ...{ certificate: client.certFile, key: client.keyFile },
      }),
      SENDER,
    );
    t.after(() => receiver.reset());
    const records: FedRow[] = [
      fedEvent(),
      ...HOSTILE.map(user => fedExchange({ user })),
      fedExchange({ path: `/${'long'.repeat(10_000)}` }),
    ];
    await receiver.send(records);
    const messages = (await until(syslogNg, records.length)).map(parseMessage);
    assert.equal(messages.length, records.length);
    assert.deepEqual(
      messages.slice(1, -1).map(m => (JSON.parse(m.msg) as { user: string }).user),
      HOSTILE.map(text => text.replace(/\p{Cs}/gu, '\ufffd')),
    );
    assert.match((JSON.parse(messages.at(-1)?.msg ?? '') as { path: string }).path, /^\/long/);
  });
});
