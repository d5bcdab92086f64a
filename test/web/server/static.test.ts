import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { defaultClientDir } from '../../../web/server/static.ts';
import { house } from './harness.ts';

function built(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-client-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const client = join(dir, 'client');
  mkdirSync(join(client, 'assets'), { recursive: true });
  writeFileSync(join(client, 'index.html'), '<!doctype html><title>Sightglass</title>');
  writeFileSync(join(client, 'assets', 'app-1a2b3c.js'), 'export {}');
  writeFileSync(join(client, '.hidden'), 'secret');
  writeFileSync(join(dir, 'outside.txt'), 'secret');
  return client;
}

test('assets for ever, pages by fallback, missing files missing', async t => {
  const h = await house(t, { deps: { clientDir: built(t) } });
  const script = await h.ask('/assets/app-1a2b3c.js');
  assert.equal(script.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.match(String(script.headers['content-type']), /javascript/);
  for (const page of ['/', '/setup', '/exchange/1-1.1', '/traffic?q=host:x']) {
    const answer = await h.ask(page);
    assert.equal(answer.status, 200, page);
    assert.match(answer.text, /<title>Sightglass/);
    assert.equal(answer.headers['cache-control'], 'no-cache');
    assert.match(String(answer.headers['content-security-policy']), /script-src 'self'; style-src 'self'/);
  }
  for (const missing of ['/assets/app-old.js', '/robots.txt'])
    assert.equal((await h.ask(missing)).status, 404, missing);
  assert.equal((await h.ask('/', { method: 'POST' })).status, 405);
});

test('nothing outside the folder and no dot file is served', async t => {
  const h = await house(t, { deps: { clientDir: built(t) } });
  for (const path of [
    '/.hidden',
    '/../outside.txt',
    '/..%2foutside.txt',
    '/%2e%2e/outside.txt',
    '/assets/..%5c..%5coutside.txt',
    '/assets/../../outside.txt',
    '//outside.txt',
    '/%00',
  ]) {
    const answer = await h.ask(path);
    assert.doesNotMatch(answer.text, /secret/, path);
    assert.doesNotMatch(answer.text, /sightglass-client|Error|\bat /, path);
  }
});

test('without a built client the page says how to build it and the API works', async t => {
  const h = await house(t);
  const page = await h.ask('/');
  assert.equal(page.status, 503);
  assert.match(page.text, /npm run build/);
  assert.equal((await h.ask('/api/me')).status, 200);
});

test('the client lies in dist, seen from the sources and from the build', () => {
  assert.match(defaultClientDir(), /[\\/]dist[\\/]web[\\/]client$/);
});
