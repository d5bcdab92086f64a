/**
 * The PAC file of the policy in force, made again when another one is applied. Until the new text is there (a moment, with
 * long lists some seconds) the last one is served: a file that sends a name direct for a moment too long is no more than
 * what browsers do anyway, which keep a PAC file for hours. Of several policies that come fast the last one counts.
 */
import type { CompiledPolicy } from '../policy/compile.ts';
import { pacSteps } from '../policy/pac/steps.ts';
import type { PacPlan } from '../policy/pac/steps.ts';
import { pacText } from '../policy/pac/text.ts';
import type { PolicyStore } from '../policy/store.ts';
import type { Settings } from '../settings/catalogue.ts';

type PacSettings = Pick<
  Settings,
  | 'pac.proxies'
  | 'pac.spread'
  | 'pac.plain-names'
  | 'pac.private-networks'
  | 'pac.local-domains'
  | 'proxy.connect-ports'
>;

/** The PAC file of a policy under these settings, and what it could and could not say. */
export async function makePac(
  policy: CompiledPolicy,
  settings: PacSettings,
): Promise<{ text: string; plan: PacPlan }> {
  const ports = settings['proxy.connect-ports'];
  const plan = await pacSteps(policy, ports);
  const text = pacText(plan.steps, {
    proxies: settings['pac.proxies'],
    spread: settings['pac.spread'],
    plainNames: settings['pac.plain-names'] === 'direct',
    privateNetworks: settings['pac.private-networks'] === 'direct',
    localDomains: settings['pac.local-domains'],
    ports,
    policy: policy.version,
  });
  return { text, plan };
}

export interface PacKeeper {
  current(): string;
}

/**
 * Keeps the file in step with the policy. `publish` gets each text after the first. What goes direct, and what could not
 * although it is marked, is told as the event `pac.made` whenever anything is.
 */
export async function keepPac(
  policy: Pick<PolicyStore, 'current' | 'on'>,
  settings: PacSettings,
  tell: (name: string, detail: Record<string, unknown>) => void,
  publish: (text: string) => void,
): Promise<PacKeeper> {
  let turn = 0;
  let current = '';
  const make = async (compiled: CompiledPolicy): Promise<boolean> => {
    const mine = ++turn;
    const { text, plan } = await makePac(compiled, settings);
    if (mine !== turn) return false;
    current = text;
    if (plan.direct > 0 || plan.dropped > 0 || plan.kept.length > 0)
      tell('pac.made', {
        policy: compiled.version,
        direct: plan.direct,
        dropped: plan.dropped,
        kept: plan.kept.slice(0, 20),
      });
    return true;
  };
  policy.on('applied', (_, compiled) => {
    make(compiled).then(
      made => {
        if (made) publish(current);
      },
      (error: unknown) => {
        tell('pac.failed', { message: error instanceof Error ? error.message : String(error) });
      },
    );
  });
  await make(policy.current());
  return { current: () => current };
}
