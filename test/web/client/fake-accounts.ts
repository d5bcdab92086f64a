/** Accounts of the fake console: a second factor that takes one code, people with hostile groups. */
import type {
  Me,
  PeopleView,
  RecoveryCodes,
  SecondFactorBegun,
  SecondFactorView,
} from '../../../web/contract.ts';

/** The only code that is right. */
export const CODE = '492039';
export const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const HOSTILE = '<img src=x onerror=alert(1)>';

export class FakeAccounts {
  mustEnrol = false;
  ways = { sso: false, local: true };
  /** Log-in asks for a code. */
  codes = false;
  view: SecondFactorView = { since: null, recoveryLeft: 0, demanded: false, sso: false };
  people: PeopleView = {
    people: [
      {
        ...{ name: 'dora@example.com', roles: ['viewer'], groups: [], disabled: false, sso: true },
        created: '2026-11-01T08:00:00.000Z',
        lastLogin: '2026-11-20T07:30:00.000Z',
        secondFactor: null,
      },
      {
        ...{ name: 'alice.auditor', roles: ['admin'], groups: [], disabled: false, sso: false },
        created: '2026-10-01T08:00:00.000Z',
        lastLogin: '2026-11-20T08:00:00.000Z',
        secondFactor: '2026-10-01T08:05:00.000Z',
      },
      {
        ...{
          name: 'bob',
          roles: ['auditor', 'viewer'],
          groups: ['finance', HOSTILE],
          disabled: false,
          sso: false,
        },
        created: '2026-10-02T08:00:00.000Z',
        lastLogin: '2026-11-19T17:12:00.000Z',
        secondFactor: '2026-10-03T09:00:00.000Z',
      },
      {
        ...{ name: 'carol', roles: ['auditor'], groups: [], disabled: true, sso: false },
        created: '2026-10-02T08:00:00.000Z',
        lastLogin: null,
        secondFactor: null,
      },
    ],
    demand: ['admin', 'auditor'],
  };

  asksFor(code: string): boolean {
    return this.codes && code !== CODE;
  }

  get(path: string): SecondFactorView | PeopleView | null {
    if (path === '/api/people') return this.people;
    return path === '/api/second-factor' ? this.view : null;
  }

  /** Null when the code is wrong. */
  post(
    path: string,
    body: Record<string, string>,
    me: () => Me,
  ): SecondFactorBegun | RecoveryCodes | { me: Me } | object | null {
    if (path === '/api/second-factor/begin')
      return {
        secret: SECRET,
        uri: `otpauth://totp/Sightglass%20edge-1:alice.auditor?issuer=Sightglass%20edge-1&secret=${SECRET}&algorithm=SHA1&digits=6&period=30`,
      };
    if (path === '/api/people/second-factor/reset') {
      for (const person of this.people.people) if (person.name === body['name']) person.secondFactor = null;
      return {};
    }
    if (body['code'] !== CODE) return null;
    if (path === '/api/second-factor/remove') {
      this.view = { since: null, recoveryLeft: 0, demanded: false, sso: false };
      return { me: me() };
    }
    this.mustEnrol = false;
    this.view = {
      since: '2026-11-20T12:00:00.000Z',
      recoveryLeft: 10,
      demanded: this.view.demanded,
      sso: false,
    };
    return {
      me: me(),
      codes: Array.from({ length: 10 }, (_, n) => `7K3M-Q9XA-BT5${n}-ZW0R`),
    };
  }
}
