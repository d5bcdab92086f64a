/** Single sign-on as the console wants it: provider and people joined, what is thrown there told as words here. */
import type { ConsoleSso, ConsoleSsoRefused } from '../../../web/server/deps.ts';
import { SsoError } from './provider.ts';
import type { SsoProvider } from './provider.ts';
import type { SsoUsers } from './users.ts';

export function consoleSso(provider: SsoProvider, users: SsoUsers, localAccounts: boolean): ConsoleSso {
  return {
    consoleUrl: provider.consoleUrl,
    localAccounts,
    begin: () => provider.begin().catch(refusedBy),
    async finish(search, ticket) {
      const identity = await provider.finish(search, ticket).catch(refusedBy);
      if ('refused' in identity) return identity;
      const entry = users.enter(identity);
      return 'user' in entry ? entry : { ...entry, name: identity.name.slice(0, 100) };
    },
    logoutUrl: () => provider.logoutUrl(),
  };
}

function refusedBy(error: unknown): ConsoleSsoRefused {
  if (error instanceof SsoError) return { refused: error.code, reason: error.message };
  throw error;
}
