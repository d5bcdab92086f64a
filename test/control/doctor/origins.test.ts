import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openAuthority } from '../../../ca/authority.ts';
import { askOrigins } from '../../../src/control/doctor/origins.ts';
import type { Answer } from '../../../src/control/doctor/answer.ts';
import { freePort } from '../../helpers/free-port.ts';
import { startRawOrigin, type RawOrigin, type RawOriginOptions } from '../../helpers/origin.ts';
import { startParent } from '../../helpers/parent.ts';
import { makeTestCa, type TestCa } from '../../helpers/tls-authority.ts';
import { codes, folder, patient, type PatientOptions } from './bench.ts';

const dated =
  (time: number): RawOriginOptions['behaviour'] =>
  () => ({
    bytes: `HTTP/1.1 200 OK\r\nDate: ${new Date(time).toUTCString()}\r\nContent-Length: 0\r\n\r\n`,
  });

describe('origins', () => {
  let ca: TestCa;
  const origins: RawOrigin[] = [];
  before(() => {
    ca = makeTestCa();
  });
  after(async () => {
    for (const origin of origins) await origin.stop();
    ca.remove();
  });
  const origin = async (
    behaviour: RawOriginOptions['behaviour'] = dated(Date.now()),
    names = ['good.test'],
    ask: object = {},
  ): Promise<number> => {
    const { cert, key } = ca.issue({ names, ...ask });
    const started = await startRawOrigin({
      tls: { cert, key },
      ...(behaviour === undefined ? {} : { behaviour }),
    });
    origins.push(started);
    return started.port;
  };
  const flags = (): Record<string, string | string[]> => ({
    'origin.trust': 'none',
    'origin.extra-ca': ca.caFile,
    'egress.allow': '127.0.0.0/8',
    'origin.resolve': ['good.test=127.0.0.1', 'other.test=127.0.0.1'],
  });
  const ask = (
    dir: string,
    port: number,
    more: PatientOptions = {},
    groups: { group: string; via: string[] }[] = [],
    host = 'good.test',
  ): Promise<Answer[]> =>
    askOrigins(patient(dir, { flags: flags(), hosts: [{ host, port }], ...more }), groups);

  test('a good origin, with what was negotiated, its chain, and a clock like ours', async t => {
    const answers = await ask(folder(t), await origin());
    assert.deepEqual(codes(answers), ['origin-good', 'clock-good']);
    const evidence = answers[0]?.evidence.join('\n') ?? '';
    assert.match(evidence, /TCP to 127\.0\.0\.1/);
    assert.match(evidence, /TLSv1\.3, TLS_/);
    assert.match(evidence, /certificate 0: good\.test, by /);
  });

  test('nothing to try', async t => {
    assert.deepEqual(codes(await askOrigins(patient(folder(t)), [])), ['origin-none', 'clock-unmeasured']);
  });

  test('a clock that is off, either way; one of three origins does not accuse ours', async t => {
    const hour = 3_600_000;
    for (const [offset, word] of [
      [hour, 'behind'],
      [-hour, 'ahead'],
    ] as const) {
      const [, clock] = await ask(folder(t), await origin(dated(Date.now() + offset)));
      assert.equal(clock?.code, 'clock-off');
      assert.match(clock.finding, new RegExp(`36\\d\\d s ${word}|3599 s ${word}`));
    }
    const ports = [await origin(), await origin(dated(Date.now() + hour)), await origin()];
    const hosts = ports.map(port => ({ host: 'good.test', port }));
    assert.equal((await ask(folder(t), 0, { hosts })).at(-1)?.code, 'clock-good');
  });

  test('an origin without a clock leaves it unmeasured', async t => {
    for (const behaviour of ['answer', 'never-answer', 'close-after-request', 'nonsense'] as const)
      assert.deepEqual(codes(await ask(folder(t), await origin(behaviour), { patience: 400 })), [
        'origin-good',
        'clock-unmeasured',
      ]);
  });

  test('their fault: expired, other name, unknown issuer, gone in the handshake', async t => {
    const expired = await origin(undefined, ['good.test'], {
      notBefore: new Date(Date.now() - 10 * 86_400_000),
      notAfter: new Date(Date.now() - 86_400_000),
    });
    const named = await origin(undefined, ['other.test']);
    const stranger = await origin(undefined, ['good.test'], { selfSigned: true });
    const plain = await startRawOrigin({ behaviour: 'close-at-once' });
    origins.push(plain);
    for (const [port, code] of [
      [expired, 'cert-expired'],
      [named, 'cert-name-mismatch'],
      [stranger, 'cert-self-signed'],
      [plain.port, 'origin-tls-failed'],
    ] as const) {
      const [answer] = await ask(folder(t), port);
      assert.equal(answer?.code, 'origin-theirs', code);
      assert.match(answer.evidence.join('\n'), new RegExp(`${code}: `));
    }
    const [answer] = await ask(folder(t), expired);
    assert.match(answer?.evidence.join('\n') ?? '', /certificate 0: good\.test/, 'a refused chain is shown');
  });

  test('nobody there, nobody who speaks', async t => {
    assert.equal((await ask(folder(t), await freePort()))[0]?.code, 'origin-unreachable');
    const [mute] = await ask(folder(t), await origin('never-speak'), { patience: 300 });
    assert.equal(mute?.code, 'origin-theirs');
    assert.match(mute.evidence.join('\n'), /origin-tls-timeout/);
  });

  test('our own fault: egress rules', async t => {
    const port = await origin();
    const [refused] = await ask(folder(t), port, { flags: { ...flags(), 'egress.allow': 'none' } });
    assert.equal(refused?.code, 'origin-ours');
    assert.match(refused.evidence.join('\n'), /egress-refused/);
  });

  test('our own authority upstream is refused', async t => {
    const dir = folder(t);
    openAuthority({ dir: join(dir, 'ca'), passphrase: null });
    // The root of the origin's chain stands in for ours: what counts is the fingerprint.
    copyFileSync(ca.caFile, join(dir, 'ca', 'authority.crt'));
    const [own] = await ask(dir, await origin());
    assert.match(own?.evidence.join('\n') ?? '', /cert-own-ca/);
  });

  test('when the straight way is closed the first parent group is tried', async t => {
    const parent = await startParent();
    t.after(() => parent.stop());
    const port = await origin();
    // The name is known to the parent only.
    const [through] = await ask(
      folder(t),
      port,
      { flags: { ...flags(), 'origin.resolve': 'other.test=127.0.0.1' } },
      [{ group: 'up', via: [`127.0.0.1:${parent.port}`] }],
    );
    assert.equal(through?.code, 'origin-good', JSON.stringify(through));
    assert.deepEqual(parent.asked, [`CONNECT good.test:${port} HTTP/1.1`]);
    assert.match(through.evidence.join('\n'), /straight: dns-failed/);
  });
});
