/** The loop behind `npm run fuzz` and behind the replay test: inputs in, the first broken invariant out. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutate, type Pool } from './mutate.ts';
import { makeRng, seedOf } from './rng.ts';
import type { FuzzTarget } from './target.ts';

const TARGETS = join(import.meta.dirname, 'targets');
const CORPUS = join(import.meta.dirname, 'corpus');

/** Names of the targets there are: one file each. */
export function targetNames(): string[] {
  return readdirSync(TARGETS)
    .filter(f => f.endsWith('.ts'))
    .map(f => f.slice(0, -3))
    .sort();
}

/** Loads targets/<name>.ts; its default export is the target. */
export async function loadTarget(name: string): Promise<FuzzTarget> {
  const module = (await import(pathToFileURL(join(TARGETS, `${name}.ts`)).href)) as { default?: FuzzTarget };
  const target = module.default;
  if (target === undefined) throw new Error(`targets/${name}.ts has no default export`);
  if (target.name !== name) throw new Error(`targets/${name}.ts calls itself ${target.name}`);
  return target;
}

/** Inputs that once broke an invariant; they are replayed for ever and serve as seeds. */
export function corpus(name: string): Array<{ file: string; bytes: Buffer }> {
  const folder = join(CORPUS, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(f => f.endsWith('.bin'))
    .sort()
    .map(file => ({ file, bytes: readFileSync(join(folder, file)) }));
}

export interface Find {
  bytes: Buffer;
  error: unknown;
}

/** The target's verdict on one input: null when the invariant holds. */
export async function check(target: FuzzTarget, bytes: Buffer): Promise<Find | null> {
  try {
    const pending = target.run(bytes, makeRng(seedOf(bytes)));
    if (pending !== undefined) await pending;
    return null;
  } catch (error) {
    return { bytes, error };
  }
}

export interface Campaign {
  seed: number;
  /** Stop after so many inputs … */
  runs?: number;
  /** … or when this says so; asked before each input. */
  stop?: () => boolean;
}

/** Seeds and corpus first, then mutations. Deterministic for a given seed and number of runs. */
export async function campaign(
  target: FuzzTarget,
  options: Campaign,
): Promise<{ inputs: number; find: Find | null }> {
  const seeds = [...target.seeds(), ...corpus(target.name).map(c => c.bytes)];
  if (seeds.length === 0) throw new Error(`target ${target.name} has no seeds`);
  const pool: Pool = {
    others: seeds,
    dictionary: target.dictionary ?? [],
    maxLength: target.maxLength ?? 4096,
  };
  const rng = makeRng(options.seed);
  const limit = options.runs ?? Infinity;
  let inputs = 0;
  while (inputs < limit && options.stop?.() !== true) {
    let bytes = seeds[inputs] ?? rng.pick(seeds);
    if (inputs >= seeds.length) {
      if (target.mutate !== undefined && rng.oneIn(4)) bytes = target.mutate(bytes, rng);
      if (target.mutate === undefined || !rng.oneIn(3)) bytes = mutate(bytes, rng, pool);
    }
    inputs++;
    const find = await check(target, bytes);
    if (find !== null) return { inputs, find };
  }
  return { inputs, find: null };
}

/** Cuts pieces out of a find as long as it stays one. At most `tries` runs. */
export async function shrink(target: FuzzTarget, find: Find, tries = 2000): Promise<Find> {
  let best = find;
  for (let piece = best.bytes.length >> 1; piece >= 1; piece >>= 1) {
    for (let at = 0; at < best.bytes.length && tries > 0; tries--) {
      const smaller = Buffer.concat([best.bytes.subarray(0, at), best.bytes.subarray(at + piece)]);
      const again = await check(target, smaller);
      if (again !== null) best = again;
      else at += piece;
    }
  }
  return best;
}

/** Writes a find to corpus/<name>/ and returns its path. */
export function keep(target: FuzzTarget, find: Find): string {
  const folder = join(CORPUS, target.name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${createHash('sha256').update(find.bytes).digest('hex').slice(0, 12)}.bin`);
  writeFileSync(file, find.bytes);
  return file;
}
