/**
 * Starts a file of this room as a worker thread. From `dist` that is just a Worker. When the sources run unbuilt under tsx (tests,
 * `npm run dev`), a thread does not inherit tsx's loader on Node 20, so it is registered there first; Node versions that
 * read TypeScript themselves need nothing.
 */
import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';

/** `entry` is a URL made from the caller's import.meta.url, without extension; the caller's own (`.ts` or `.js`) is added. */
export function startThread(entry: string, callerUrl: string, options: WorkerOptions): Worker {
  const extension = callerUrl.endsWith('.ts') ? '.ts' : '.js';
  const url = new URL(entry + extension, callerUrl);
  const features = process.features as { typescript?: unknown };
  if (extension === '.js' || Boolean(features.typescript)) return new Worker(url, options);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = `import(${loader}).then(tsx => { tsx.register(); return import(${JSON.stringify(url.href)}); });`;
  return new Worker(source, { ...options, eval: true });
}
