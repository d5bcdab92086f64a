/**
 * Single sign-on by OpenID Connect: the authorization code flow with PKCE, state and nonce, all of which openid-client
 * checks. What the provider says of somebody becomes an identity here; whether that one may come in is decided in users.ts.
 *
 * The provider's description is asked for when somebody first wants to log in and again after an hour; a provider that is
 * away stops nobody's session and not the start. Tokens are dropped once they were read: nothing of them is kept, logged or
 * told. What goes wrong is one of three words for the reader, and a line without secrets for the log.
 */
import * as oidc from 'openid-client';
import type { ClaimRole } from '../../settings/access-kinds.ts';
import { httpsFetch } from './https-fetch.ts';
import type { SsoPlan } from './plan.ts';

/** What a browser carries from `begin` to `finish`. */
export interface SsoTicket {
  state: string;
  nonce: string;
  verifier: string;
}

export interface Identity {
  /** Issuer and subject: what never changes and is never given to another. */
  subject: string;
  name: string;
  roles: ClaimRole['role'][];
}

/** `away`: no answer from the provider; `denied`: it or the reader said no; `failed`: what came cannot be believed. */
export class SsoError extends Error {
  override readonly name = 'SsoError';
  readonly code: 'away' | 'denied' | 'failed';
  constructor(code: 'away' | 'denied' | 'failed', message: string) {
    super(message);
    this.code = code;
  }
}

const FRESH_MS = 60 * 60_000;
const CALLBACK = '/sso/callback';

export class SsoProvider {
  readonly #plan: SsoPlan;
  readonly #now: () => number;
  #known: { config: oidc.Configuration; until: number } | null = null;

  constructor(plan: SsoPlan, now: () => number = Date.now) {
    this.#plan = plan;
    this.#now = now;
  }

  /** Origin of the console as browsers know it. */
  get consoleUrl(): string {
    return this.#plan.consoleUrl;
  }

  /** Where the browser goes to log in, and what it must bring back. Rejects with SsoError. */
  async begin(): Promise<{ url: string; ticket: SsoTicket }> {
    const config = await this.#config();
    const ticket = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: this.#plan.consoleUrl + CALLBACK,
      scope: 'openid profile email',
      state: ticket.state,
      nonce: ticket.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(ticket.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, ticket };
  }

  /** Who came back. `search` is the query of the address, with its question mark. Rejects with SsoError. */
  async finish(search: string, ticket: SsoTicket): Promise<Identity> {
    const config = await this.#config();
    try {
      const tokens = await oidc.authorizationCodeGrant(
        config,
        new URL(this.#plan.consoleUrl + CALLBACK + search),
        {
          expectedState: ticket.state,
          expectedNonce: ticket.nonce,
          pkceCodeVerifier: ticket.verifier,
          idTokenExpected: true,
        },
      );
      const claims = tokens.claims();
      if (claims === undefined) throw new SsoError('failed', 'there is no ID token');
      const wanted = [this.#plan.userClaim, this.#plan.roleClaim];
      // Providers may leave claims out of the ID token and tell them when asked.
      const more = wanted.every(claim => claims[claim] !== undefined)
        ? {}
        : await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
      return this.#identity(`${claims.iss} ${claims.sub}`, { ...more, ...claims });
    } catch (error) {
      throw told(error);
    }
  }

  /** Where the browser goes to log out at the provider too; null when the provider has no such place or was never asked. */
  logoutUrl(): string | null {
    const config = this.#known?.config;
    if (config?.serverMetadata().end_session_endpoint === undefined) return null;
    return oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: `${this.#plan.consoleUrl}/login` })
      .href;
  }

  #identity(subject: string, claims: Record<string, unknown>): Identity {
    const name = claims[this.#plan.userClaim];
    if (typeof name !== 'string')
      throw new SsoError('failed', `the claim ${this.#plan.userClaim} is missing or no text`);
    const given = claims[this.#plan.roleClaim];
    const values = new Set<unknown>(Array.isArray(given) ? given : [given]);
    const roles = this.#plan.roles.filter(({ value }) => values.has(value)).map(({ role }) => role);
    return { subject, name, roles: [...new Set(roles)] };
  }

  async #config(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret, ca } = this.#plan;
    if (this.#known !== null && this.#known.until > this.#now()) return this.#known.config;
    try {
      const config = await oidc.discovery(
        new URL(issuer),
        clientId,
        {},
        clientSecret === null ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
        { [oidc.customFetch]: httpsFetch(ca) },
      );
      this.#known = { config, until: this.#now() + FRESH_MS };
      return config;
    } catch (error) {
      throw new SsoError('away', reasonOf(error));
    }
  }
}

function told(error: unknown): SsoError {
  if (error instanceof SsoError) return error;
  if (error instanceof oidc.AuthorizationResponseError)
    return new SsoError('denied', `the provider answered ${error.error}`);
  const { code } = error as { code?: unknown };
  const answered = typeof code === 'string' && code.startsWith('OAUTH_');
  return new SsoError(
    answered || error instanceof oidc.ResponseBodyError ? 'failed' : 'away',
    reasonOf(error),
  );
}

/** Codes and classes only: messages of libraries may quote what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const inner = cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
  return [error.name, code, inner].filter(part => typeof part === 'string').join(' ');
}
