/**
 * The built client as files: hashed assets may be cached for ever, everything else is asked for each time. Addresses of
 * the client's own pages get `index.html`. Without a built client a plain page says how to build it, and the API works.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import express from 'express';
import type { Router } from 'express';

/** Where `npm run build` puts the client, seen from the sources and from the build. */
export function defaultClientDir(): string {
  const root = join(import.meta.dirname, '..', '..');
  return basename(root) === 'dist' ? join(root, 'web', 'client') : join(root, 'dist', 'web', 'client');
}

export function clientFiles(dir: string): Router {
  const router = express.Router();
  router.use((req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD') return next();
    res.status(405).set('Allow', 'GET, HEAD').type('text/plain').send('Method not allowed\n');
  });
  router.use(
    express.static(dir, {
      index: false,
      dotfiles: 'ignore',
      redirect: false,
      cacheControl: false,
      setHeaders: (res, path) => {
        res.setHeader(
          'Cache-Control',
          // Vite writes a hash of the content into the name of everything under assets/.
          path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    }),
  );
  router.use((req, res) => {
    res.set('Cache-Control', 'no-cache');
    // A missing file is missing; an address without an extension is one of the client's pages. The number at the end of
    // an exchange's id (`1-1.2`) is no extension.
    if (/\.[a-z][a-z0-9]{0,7}$/i.test(req.path) || req.path.startsWith('/assets/')) {
      res.status(404).type('text/plain').send('Not found\n');
      return;
    }
    // Looked up each time: the client may be built while the service runs.
    if (existsSync(join(dir, 'index.html'))) {
      res.sendFile('index.html', { root: dir, cacheControl: false });
      return;
    }
    res.status(503).type('text/html').send(NOT_BUILT);
  });
  return router;
}

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sightglass</title>
<h1>The console is not built</h1>
<p>The service is running and its API answers, but the pages of the console are missing.</p>
<p>Run <code>npm run build</code> in the folder of Sightglass and reload this page.</p>
</html>
`;
