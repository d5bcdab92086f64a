/**
 * An OpenID Connect provider for tests: oidc-provider behind TLS of a throw-away authority, and a browser that logs somebody
 * in there. Whatever the console gets wrong, an implementation that is not ours says so.
 */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { makeTestCa } from './tls-authority.ts';

export interface Person {
  preferred_username?: unknown;
  groups?: unknown;
}

export interface TestProvider {
  issuer: string;
  /** PEM of the authority it is verified against. */
  ca: string;
  /** Who there is, by subject; may be changed at any time. */
  people: Record<string, Person>;
  /** Log in as a subject: from the address the console sent the browser to, to the one it is sent back to. */
  logIn: (url: string, subject: string) => Promise<URL>;
  /** Say no instead. */
  cancel: (url: string) => Promise<URL>;
  /** It goes away; its address stays. */
  stop: () => Promise<void>;
}

interface ProviderLibrary {
  Provider: new (
    issuer: string,
    configuration: object,
  ) => { callback: () => Parameters<typeof createServer>[1] };
}

/** Typed here: the library comes without types. */
const NAME: string = 'oidc-provider';

/** `consoleUrl`: where browsers are sent back to. */
export async function startProvider(
  t: TestContext,
  consoleUrl: string,
  secret: string,
): Promise<TestProvider> {
  const authority = makeTestCa();
  const { cert, key } = authority.issue({ names: ['localhost', '127.0.0.1'] });
  const ca = authority.caPem;
  const { Provider } = (await import(NAME)) as ProviderLibrary;
  let handler: Parameters<typeof createServer>[1] = (_req, res) => void res.end();
  const server = createServer({ cert, key }, (req, res) => handler?.(req, res));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const people: Record<string, Person> = {};
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'sightglass',
        client_secret: secret,
        redirect_uris: [`${consoleUrl}/sso/callback`],
        post_logout_redirect_uris: [`${consoleUrl}/login`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    cookies: { keys: ['only for tests'] },
    findAccount: (_ctx: unknown, id: string) => ({
      accountId: id,
      claims: () => Promise.resolve({ sub: id, ...people[id] }),
    }),
  });
  handler = provider.callback();
  const stop = (): Promise<void> => closed(server);
  t.after(async () => {
    await stop();
    authority.remove();
  });

  /** What a browser does: follows, keeps cookies, fills in the two forms of the library. */
  async function walk(
    url: string,
    answer: (uid: string, form: string) => { path: string; body: string | null },
  ) {
    const cookies = new Map<string, string>();
    let at = new URL(url);
    let method = 'GET';
    let body: string | null = null;
    for (let step = 0; step < 20; step++) {
      if (at.origin !== issuer) return at;
      const { status, location, text } = await fetchOnce(at, method, body, cookies, ca);
      if (location !== null) {
        at = new URL(location, at);
        [method, body] = ['GET', null];
        continue;
      }
      assert.equal(status, 200, text.slice(0, 500));
      const uid = /\/interaction\/([^"/]+)/.exec(text)?.[1];
      assert.ok(uid !== undefined, `a form, not ${text.slice(0, 500)}`);
      const said = answer(uid, text);
      at = new URL(said.path, issuer);
      [method, body] = said.body === null ? ['GET', null] : ['POST', said.body];
    }
    throw new Error('the provider leads round in circles');
  }

  return {
    ...{ issuer, ca, people, stop },
    logIn: (url, subject) =>
      walk(url, (uid, form) => ({
        path: `/interaction/${uid}`,
        body: form.includes('value="login"') ? `prompt=login&login=${subject}&password=x` : 'prompt=consent',
      })),
    cancel: url => walk(url, uid => ({ path: `/interaction/${uid}/abort`, body: null })),
  };
}

function fetchOnce(
  url: URL,
  method: string,
  body: string | null,
  cookies: Map<string, string>,
  ca: string,
): Promise<{ status: number; location: string | null; text: string }> {
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      {
        ...{ method, ca, agent: false },
        headers: {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(body === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
      },
      res => {
        for (const line of res.headers['set-cookie'] ?? []) {
          const pair = line.split(';', 1)[0] ?? '';
          cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
        }
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (text += chunk));
        res.on('end', () =>
          resolve({ status: res.statusCode ?? 0, location: res.headers.location ?? null, text }),
        );
      },
    );
    req.on('error', reject);
    req.end(body ?? undefined);
  });
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => server.close(() => resolve()));
}
