/** squidGuard as Squid runs it: a request per line on standard input, an answer per line. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './process.ts';
import { judge } from './truth.ts';

judge({
  format: 'squidguard',
  consumer: 'squidGuard',
  async start({ dir, files }) {
    const conf = join(dir, 'squidGuard.conf');
    mkdirSync(join(dir, 'log'));
    writeFileSync(
      conf,
      `dbhome ${dir}
logdir ${join(dir, 'log')}
dest names {
  domainlist ${(files[0] ?? '').slice(dir.length + 1)}
}
acl {
  default {
    pass !names all
    redirect http://blocked.test/
  }
}
`,
    );
    const running = await start('squidGuard', ['-c', conf], async () => true);
    const lines = createInterface({ input: running.child.stdout });
    return {
      async ask(name) {
        const answered = once(lines, 'line') as Promise<[string]>;
        running.child.stdin.write(`${name}:443 127.0.0.1/- - CONNECT -\n`);
        const [answer] = await answered;
        if (answer.startsWith('ERR')) return false;
        if (answer.includes('http://blocked.test/')) return true;
        throw new Error(`squidGuard in ${dirname(conf)} answers "${answer}": ${running.output()}`);
      },
      async stop() {
        running.child.stdin.end();
        await running.stop();
      },
    };
  },
  cannotAsk: {
    '': 'Squid hands over a host in any case',
    'example.com.': 'squidGuard compares the dot too; Squid hands names over without it',
    'www.example.com.': 'the same',
  },
});
