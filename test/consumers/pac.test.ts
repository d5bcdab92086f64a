/** Two interpreters of PAC files: the C library behind pactester, and pac-resolver. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';
import { judge } from './truth.ts';

const run = promisify(execFile);
const CANNOT = { '': 'a browser always asks for a host' };

for (const action of ['deny', 'passthrough'] as const) {
  const listed = action === 'deny' ? 'PROXY 127.0.0.1:9' : 'DIRECT';

  const read = (answer: string): boolean => {
    if (answer === listed) return true;
    if (answer === 'PROXY proxy.test:8080') return false;
    throw new Error(`the PAC file answers "${answer}"`);
  };

  judge({
    format: 'pac',
    consumer: 'pactester',
    action,
    start: async ({ files }) => ({
      async ask(name) {
        const { stdout } = await run('pactester', [
          '-p',
          files[0] ?? '',
          '-u',
          `https://${name}/`,
          '-h',
          name,
        ]);
        return read(stdout.trim());
      },
      stop: async () => undefined,
    }),
    cannotAsk: CANNOT,
  });

  judge({
    format: 'pac',
    consumer: 'pac-resolver',
    action,
    async start({ texts }) {
      const resolve = createPacResolver(await QuickJS.create(), texts[0] ?? '');
      return {
        ask: async name => read(await resolve(`https://${name}/`, name)),
        stop: async () => undefined,
      };
    },
    cannotAsk: CANNOT,
  });
}
