/**
 * Names of fields in forms and keys in JSON whose values are secrets: passwords, one-time codes, tokens, keys, and what
 * belongs to a payment card. Compared without case and without what separates words, so `newPassword`, `new-password` and
 * `new_password` are one name. Of a path such as `user[password]` or `login.pass` the last part counts.
 *
 * It does not promise to know every name: a profile adds its own (`fields`). Measured names only: `code`, `key`, `auth` and
 * `session` alone are too common in JSON that is no secret.
 */

const EXACT = new Set(
  (
    'pass pwd pw passwort kennwort motdepasse contrasena senha wachtwoord losenord haslo ' +
    'pin pincode otp otpcode totp totpcode mfa mfacode tfacode twofactorcode onetimecode onetimepassword smscode ' +
    'verificationcode authcode authenticationcode securitycode securityanswer backupcode recoverycode tan puk ' +
    'cvv cvv2 cvc cvc2 csc cardcode cardverification cardnumber cardno ccnumber ccnum ccno creditcard creditcardnumber pan ' +
    'authorization proxyauthorization credential credentials bearer jwt sid sessionid sessionkey ' +
    'phpsessid jsessionid cookie cookies setcookie clientassertion assertion samlresponse samlrequest ' +
    'accesskey accesskeyid secretkey secretaccesskey privatekey signingkey encryptionkey masterkey apikey xapikey ' +
    'mnemonic seedphrase recoveryphrase connectionstring verifier codeverifier'
  ).split(' '),
);

/** Ends of names. */
const ENDINGS = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'passwordhash',
  'secret',
  'token',
  'apikey',
  'privatekey',
  'secretkey',
];

/** Tokens that lead through pages of results, and are no secret. */
const HARMLESS_TOKENS =
  /(?:page|next|prev|previous|continuation|continue|cursor|sync|resume|start|skip|stop|end)token$/;

/** Longer names are not looked at: nobody names a secret so, and hostile names must cost little. */
const MAX_NAME = 256;
const MAX_DECIDED = 2000;

/** Decides names, and remembers up to 2,000 decisions; beyond that each is made anew. */
export class SecretNames {
  readonly #more: ReadonlySet<string>;
  readonly #decided = new Map<string, boolean>();

  /** `more`: further names, in any spelling. */
  constructor(more: readonly string[] = []) {
    this.#more = new Set(more.map(plain));
  }

  /** Whether a value of this name is a secret. The name may be percent-encoded or a path. */
  has(name: string): boolean {
    const known = this.#decided.get(name);
    if (known !== undefined) return known;
    if (name.length > MAX_NAME) return false;
    const secret = this.#decide(name);
    if (this.#decided.size < MAX_DECIDED) this.#decided.set(name, secret);
    return secret;
  }

  #decide(name: string): boolean {
    // `a[b][c]`, `a.b`, `ctl00$Main$Password`, `form:password`: any part may be the one that says it.
    const text = name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    const parts = text.split(/[[\].$:/]+/).filter(part => part !== '');
    const last = parts.at(-1);
    if (last === undefined) return false;
    return (
      this.#says(plain(last)) || this.#says(plain(text)) || parts.some(part => this.#more.has(plain(part)))
    );
  }

  #says(word: string): boolean {
    if (EXACT.has(word) || this.#more.has(word)) return true;
    return ENDINGS.some(end => word.endsWith(end)) && !HARMLESS_TOKENS.test(word);
  }
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9\u0080-\uffff]/g, '');
