/** `sightglass lists …` in this process, with its output caught. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { listsCommand } from '../../../src/cli/lists.ts';

export interface Ran {
  out: string;
  err: string;
}

/** Run the verb; rejects as the command would fail. */
export async function lists(t: TestContext, ...argv: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const mocks = [
    t.mock.method(console, 'log', (line: string) => void out.push(`${line}\n`)),
    t.mock.method(console, 'error', (line: string) => void err.push(`${line}\n`)),
    t.mock.method(process.stdout, 'write', (text: string) => {
      out.push(text);
      return true;
    }),
  ];
  try {
    const command = listsCommand().exitOverride();
    for (const child of command.commands) child.exitOverride().configureOutput({ writeErr: () => undefined });
    await command.parseAsync(argv, { from: 'user' });
    return { out: out.join(''), err: err.join('') };
  } finally {
    for (const m of mocks) m.mock.restore();
  }
}

/** A folder with these files, gone after the test. */
export async function folder(t: TestContext, files: Record<string, string | Buffer>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sightglass-cli-lists-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}
