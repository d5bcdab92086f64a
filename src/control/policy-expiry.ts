/**
 * Tells when a rule of the policy in force expires: it no longer matches from that moment, and somebody should know. Rules
 * that had expired before are told once when their policy comes into force. `policy check` lists them at any time.
 */
import type { CompiledPolicy } from '../policy/compile.ts';

/** The part of the policy store that is needed. */
export interface ExpiringStore {
  current(): Pick<CompiledPolicy, 'version' | 'document'>;
}

const TICK_MS = 30_000;

/** Look now and then every half minute; `policy.rule-expired` names rule, owner and time. Returns the way to stop. */
export function watchExpiry(
  store: ExpiringStore,
  onEvent: (name: string, detail: Record<string, unknown>) => void,
  now: () => number = Date.now,
  tickMs = TICK_MS,
): { look(): void; stop(): void } {
  let told = new Set<string>();
  const look = (): void => {
    const { version, document } = store.current();
    const expired = document.rules.filter(r => r.expires !== null && r.expires <= now());
    for (const { name, owner, expires } of expired)
      if (!told.has(`${name} ${expires ?? ''}`))
        onEvent('policy.rule-expired', {
          rule: name,
          owner,
          expired: new Date(expires ?? 0).toISOString(),
          version,
        });
    // Only what stands there now is remembered: bounded by the rules of one policy.
    told = new Set(expired.map(r => `${r.name} ${r.expires ?? ''}`));
  };
  look();
  const timer = setInterval(look, tickMs);
  timer.unref();
  return {
    look,
    stop: () => {
      clearInterval(timer);
    },
  };
}
