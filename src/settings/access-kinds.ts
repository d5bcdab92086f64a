/** Kinds of settings for single sign-on: where the provider is, and which value of a claim gives which role. */
import { quote, refuse } from './kinds.ts';
import type { Kind } from './kinds.ts';

/** Identifier of a provider (OpenID Connect Discovery §3): https, a path is allowed, no query and no fragment. */
export const issuerUrl: Kind<string> = {
  label: 'URL',
  commas: false,
  read: value => {
    const url = URL.canParse(value) ? new URL(value) : null;
    if (url?.protocol !== 'https:' || url.username !== '' || url.search !== '' || url.hash !== '')
      return refuse(`${quote(value)} is no issuer; write https://HOST or https://HOST/PATH`);
    return value;
  },
  show: String,
};

export interface ClaimRole {
  value: string;
  role: (typeof CONSOLE_ROLES)[number];
}

const CONSOLE_ROLES = ['admin', 'policy-author', 'auditor', 'viewer'] as const;

/** `VALUE=ROLE`; the value may hold `=` itself, as distinguished names do. */
export const claimRole: Kind<ClaimRole> = {
  label: 'VALUE=ROLE',
  commas: false,
  read: text => {
    const at = text.lastIndexOf('=');
    const value = text.slice(0, at).trim();
    const role = CONSOLE_ROLES.find(r => r === text.slice(at + 1).trim());
    if (at < 1 || value === '' || role === undefined)
      return refuse(`${quote(text)} maps no claim; write VALUE=ROLE with one of ${CONSOLE_ROLES.join(', ')}`);
    return { value, role };
  },
  show: ({ value, role }) => `${value}=${role}`,
};
