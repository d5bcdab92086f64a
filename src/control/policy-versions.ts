/**
 * Keeps the history of the policy in step with the store: every policy that comes into force becomes a version. A history
 * that cannot be written never stands in the way of the policy itself; it is told as an event instead.
 */
import type { CompiledPolicy } from '../policy/compile.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import type { PolicyVersions } from '../policy/versions.ts';

/** The part of the policy store that is needed. */
export interface VersionedStore {
  loaded(): Pick<LoadedPolicy, 'text' | 'compiled' | 'listFiles'>;
  on(event: 'applied', listener: (snapshot: unknown, compiled: CompiledPolicy) => void): void;
}

/**
 * Record the policy in force now and each one that follows. `onEvent` hears of `policy.version` with number, author and
 * comment, and of `policy.version-lost` when the disk refuses. Resolves when the present one is recorded.
 */
export async function recordVersions(
  store: VersionedStore,
  versions: PolicyVersions,
  onEvent: (name: string, detail: Record<string, unknown>) => void,
  now: () => number = Date.now,
): Promise<void> {
  const record = async (): Promise<void> => {
    try {
      const made = await versions.record(store.loaded(), now());
      if (made !== null)
        onEvent('policy.version', {
          n: made.n,
          version: made.version,
          origin: made.origin,
          author: made.author,
          comment: made.comment,
          changes: made.changes.slice(0, 20),
        });
    } catch (e) {
      onEvent('policy.version-lost', {
        version: store.loaded().compiled.version,
        message: e instanceof Error ? e.message : String(e),
      });
    }
  };
  store.on('applied', () => void record());
  await record();
}
