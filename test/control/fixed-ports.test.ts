import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixPorts } from '../../src/control/fixed-ports.ts';

test('each port 0 becomes a free port of its own; other addresses stay as they are, in order', async () => {
  const wanted = [
    { host: '127.0.0.1', port: 0 },
    { host: '192.0.2.1', port: 8080 },
    { host: '127.0.0.1', port: 0 },
    { host: '::', port: 0 },
  ];
  const fixed = await fixPorts(wanted);
  assert.deepEqual(
    fixed.map(at => at.host),
    wanted.map(at => at.host),
  );
  assert.equal(fixed[1]?.port, 8080, 'an address with a port is not even looked at');
  const chosen = fixed.filter(at => at.port !== 8080).map(at => at.port);
  assert.ok(chosen.every(port => port > 0));
  assert.equal(new Set(chosen).size, 3);
});

test('a host that this machine has not is told with the code of the system, and the other ports are let go', async () => {
  const wanted = [
    { host: '127.0.0.1', port: 0 },
    { host: '192.0.2.1', port: 0 },
  ];
  await assert.rejects(fixPorts(wanted), { code: 'EADDRNOTAVAIL' });
});
