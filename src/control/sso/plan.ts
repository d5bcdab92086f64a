/** From settings to single sign-on: what is asked of the provider, who gets which role, who may still use a password. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Settings } from '../../settings/catalogue.ts';
import type { ClaimRole } from '../../settings/access-kinds.ts';
import { SettingsContradiction } from '../../settings/contradiction.ts';

export interface SsoPlan {
  issuer: string;
  clientId: string;
  /** Null for a public client: PKCE alone. */
  clientSecret: string | null;
  /** Origin under which browsers reach the console. */
  consoleUrl: string;
  userClaim: string;
  roleClaim: string;
  roles: readonly ClaimRole[];
  /** PEM certificates that the provider is verified against. */
  ca: readonly string[];
}

/** Who may come in, and how. */
export interface Entrance {
  sso: boolean;
  /** `all` local accounts may log in, or this one only. */
  local: 'all' | { only: string };
}

type SsoSettings = Pick<
  Settings,
  | 'sso.issuer'
  | 'sso.client-id'
  | 'sso.client-secret-file'
  | 'sso.console-url'
  | 'sso.user-claim'
  | 'sso.role-claim'
  | 'sso.roles'
  | 'sso.extra-ca'
  | 'sso.local-accounts'
  | 'sso.break-glass'
>;

/** Null without an issuer. Throws when the settings contradict each other. */
export function ssoPlan(settings: SsoSettings): SsoPlan | null {
  const issuer = settings['sso.issuer'];
  const breakGlass = settings['sso.local-accounts'] === 'break-glass';
  if (breakGlass && (issuer === null || settings['sso.break-glass'] === null))
    throw new SettingsContradiction(
      'sso.local-accounts: break-glass needs sso.issuer and sso.break-glass',
      'Name the provider, and the one admin that can still log in when it is away.',
    );
  if (issuer === null) return null;
  const clientId = settings['sso.client-id'];
  const consoleUrl = settings['sso.console-url'];
  if (clientId === null || consoleUrl === null || settings['sso.roles'].length === 0)
    throw new SettingsContradiction(
      'sso.issuer needs sso.client-id, sso.console-url and sso.roles',
      'Register the console at the provider with <sso.console-url>/sso/callback, and say which claim gives which role.',
    );
  const secretFile = settings['sso.client-secret-file'];
  return {
    issuer,
    clientId,
    clientSecret: secretFile === null ? null : (readFileSync(secretFile, 'utf8').split(/\r?\n/, 1)[0] ?? ''),
    consoleUrl,
    userClaim: settings['sso.user-claim'],
    roleClaim: settings['sso.role-claim'],
    roles: settings['sso.roles'],
    ca: [...rootCertificates, ...settings['sso.extra-ca'].map(file => readFileSync(file, 'utf8'))],
  };
}

export function entranceOf(settings: SsoSettings): Entrance {
  const only = settings['sso.break-glass'];
  return {
    sso: settings['sso.issuer'] !== null,
    local:
      settings['sso.local-accounts'] === 'break-glass' && only !== null
        ? { only: only.toLowerCase() }
        : 'all',
  };
}
