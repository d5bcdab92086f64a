/** Runs a verb in this process, with what it prints through the console and its exit code caught. */
import type { TestContext } from 'node:test';
import type { Command } from 'commander';

export interface Ran {
  out: string;
  err: string;
  code: number;
}

/** Rejects as the verb does; lines are joined by newlines. */
export async function runVerb(t: TestContext, verb: Command, ...argv: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const log = t.mock.method(console, 'log', (line: string) => void out.push(line));
  const error = t.mock.method(console, 'error', (line: string) => void err.push(line));
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await verb.parseAsync(argv, { from: 'user' });
    return { out: out.join('\n'), err: err.join('\n'), code: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
    log.mock.restore();
    error.mock.restore();
  }
}
