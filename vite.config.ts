/**
 * Builds the console's client into dist/web/client. The console's CSP allows scripts and styles from its own origin
 * only, so nothing may be inlined: no module-preload shim, no data: assets, hashed files under /assets.
 */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { manual } from './web/manual.ts';

export default defineConfig({
  root: 'web/client',
  base: '/',
  plugins: [react(), manual()],
  build: {
    outDir: '../../dist/web/client',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    // Colour pairs (`light-dark`) and container queries stay as written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    sourcemap: false,
    reportCompressedSize: true,
    // On a slow machine the bundler would lecture whoever starts the product for the first time.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
});
