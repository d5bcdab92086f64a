import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { canonicalHost } from '../../../src/core/host-name.ts';
import { readHello } from '../../../src/wire/client-hello.ts';
import { CAPTURES } from '../../helpers/fixture-hellos.ts';
import * as b from '../../helpers/hello-builder.ts';
import { mutateHello } from '../hello-mutations.ts';
import type { FuzzTarget } from '../target.ts';

const context = tls.createSecureContext({ minVersion: 'TLSv1.2' });

/** The server name that Node's TLS stack (OpenSSL) takes from these bytes, or null when it never gets to ask. */
function nodesName(bytes: Buffer): Promise<string | null> {
  return new Promise(resolve => {
    const wire = new Duplex({ read: () => undefined, write: (_c, _e, done) => done() });
    const server = new tls.TLSSocket(wire, {
      isServer: true,
      secureContext: context,
      SNICallback: (name, done) => {
        finish(name);
        done(new Error('seen enough'));
      },
    });
    const finish = (name: string | null): void => {
      resolve(name);
      // Not from inside OpenSSL's callback.
      setImmediate(() => server.destroy());
    };
    server.on('error', () => finish(null));
    server.on('close', () => finish(null));
    // Half a hello: no error, only the end.
    server.on('end', () => finish(null));
    server.resume();
    wire.push(bytes);
    wire.push(null);
  });
}

const target: FuzzTarget = {
  name: 'hello-vs-node',
  invariant:
    "Whenever Node's TLS stack takes a server name from some bytes, we read the same name from them or call them malformed.",
  seeds: () => [
    ...CAPTURES.map(c => c.bytes),
    b.hello({ extensions: [b.sni('a.example'), b.groups(29), b.sigAlgs(0x0403), b.versions(0x0304)] }, 9),
    b.hello({ ciphers: [0xc02b], extensions: [b.sni('A.Example.'), b.groups(29), b.sigAlgs(0x0403)] }),
  ],
  mutate: mutateHello,
  async run(bytes) {
    const ours = readHello(bytes);
    const theirs = await nodesName(bytes);
    if (theirs === null) return;
    if (ours.outcome === 'malformed') return;
    assert.equal(ours.outcome, 'hello', `Node reads "${theirs}"`);
    assert.ok(ours.outcome === 'hello');
    const canonical = canonicalHost(theirs);
    const name = canonical.kind === 'name' ? canonical.name : null;
    assert.equal(ours.hello.sni, name, `Node reads "${theirs}"`);
  },
};
export default target;
