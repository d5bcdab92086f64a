import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium } from './chromium.ts';
import { startNginx } from './nginx.ts';
import { startRawOrigin } from './origin.ts';
import { makeTestCa } from './tls-authority.ts';

test('the browser trusts the root it was given, refuses strangers, and asks nobody but the proxy', async t => {
  const [ca, stranger] = [makeTestCa(), makeTestCa()];
  t.after(ca.remove);
  t.after(stranger.remove);
  const nginx = await startNginx({ ca });
  t.after(nginx.stop);
  const other = await startRawOrigin({ tls: stranger.issue({ names: ['localhost'] }) });
  t.after(other.stop);
  const browser = await launchChromium({ roots: [ca.caPem] });
  t.after(browser.close);
  const page = await browser.newPage();
  const response = await page.goto(`https://localhost:${nginx.ec}/`);
  assert.equal(response?.status(), 200);
  assert.equal(await page.textContent('h1'), 'Hello from nginx');
  await assert.rejects(page.goto(`https://localhost:${other.port}/`), /ERR_CERT_AUTHORITY_INVALID/);

  // An origin that plays a proxy: it answers plain HTTP in absolute form, for loopback names too.
  const proxy = await startRawOrigin({ name: 'a proxy' });
  t.after(proxy.stop);
  const proxied = await launchChromium({ proxy: `http://127.0.0.1:${proxy.port}` });
  t.after(proxied.close);
  const seen = await (await proxied.newPage()).goto(`http://localhost:${nginx.http}/1k`);
  assert.match((await seen?.text()) ?? '', /^a proxy answers/);
  const visit = await proxy.visit(v => v.received.includes('/1k'));
  assert.match(
    visit.received.toString(),
    new RegExp(`^GET http://localhost:${nginx.http}/1k HTTP/1\\.1`, 'm'),
  );
  assert.ok(
    proxy.visits.every(v => !/^(CONNECT|GET http:\/\/(?!localhost))/m.test(v.received.toString())),
    'no background traffic',
  );
});
