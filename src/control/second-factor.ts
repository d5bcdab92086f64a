/**
 * The second factor of local accounts: time-based codes (RFC 6238: SHA-1, six digits, 30 seconds, as every authenticator
 * app has them) and recovery codes for the day the telephone is gone.
 *
 * A code counts one step to either side of now, for clocks that differ, and only if its step is later than the last one
 * that was accepted: nobody who looked over a shoulder uses it again (RFC 6238 §5.2). A recovery code counts once and is
 * stored as SHA-256, which 80 random bits allow. The secret of the codes itself has to lie in the store as it is, or
 * nothing could be compared with it: `control.db` is 0600, and a backup of it is encrypted.
 *
 * Switching it on or off changes the revision of the user, which ends every session made under the other state. It does
 * not slow down guessing: its caller does (accounts.ts). Bounds: one secret and ten recovery codes a user; a secret that was
 * shown and not confirmed is void after ten minutes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { RECOVERY_CODES } from '../../web/contract.ts';
import type { ControlDb } from './control-db.ts';

export interface Enrolment {
  /** Base32, for people who cannot scan. */
  secret: string;
  /** `otpauth://…`, what the QR code holds. */
  uri: string;
}

export type Factor = 'code' | 'recovery';

export class SecondFactors {
  readonly #now: () => number;
  readonly #place: string;
  readonly #db: ControlDb;
  readonly #sql;

  /** `place` names this installation in the reader's app. */
  constructor(db: ControlDb, now: () => number, place = '') {
    this.#db = db;
    this.#now = now;
    this.#place = place;
    this.#sql = {
      get: db.prepare<[string], Row>('SELECT secret, started, since, step FROM second_factor WHERE user = ?'),
      begin: db.prepare<[string, string, number]>(
        `INSERT INTO second_factor (user, secret, started) VALUES (?, ?, ?)
         ON CONFLICT (user) DO UPDATE SET secret = excluded.secret, started = excluded.started WHERE since IS NULL`,
      ),
      confirm: db.prepare<[number, number, string]>(
        'UPDATE second_factor SET since = ?, step = ? WHERE user = ?',
      ),
      step: db.prepare<[number, string, number]>(
        'UPDATE second_factor SET step = ? WHERE user = ? AND step < ?',
      ),
      remove: db.prepare<[string]>('DELETE FROM second_factor WHERE user = ?'),
      addRecovery: db.prepare<[string, Buffer]>('INSERT INTO recovery_codes (user, code) VALUES (?, ?)'),
      useRecovery: db.prepare<[string, Buffer]>('DELETE FROM recovery_codes WHERE user = ? AND code = ?'),
      dropRecovery: db.prepare<[string]>('DELETE FROM recovery_codes WHERE user = ?'),
      left: db.prepare<[string], number>('SELECT count(*) FROM recovery_codes WHERE user = ?').pluck(),
      revise: db.prepare<[string]>('UPDATE users SET revision = revision + 1 WHERE name = ?'),
    };
  }

  /** Recovery codes that were not used yet. */
  recoveryLeft(user: string): number {
    return this.#sql.left.get(user) ?? 0;
  }

  /** A secret to be put into an app. Null when the user has a second factor already. */
  begin(user: string): Enrolment | null {
    const secret = new Secret({ buffer: Uint8Array.from(randomBytes(20)).buffer });
    if (this.#sql.begin.run(user, secret.base32, this.#now()).changes === 0) return null;
    return { secret: secret.base32, uri: this.#totp(user, secret.base32).toString() };
  }

  /** Switch it on with the first code of the app. The recovery codes are told this once; null when the code is wrong. */
  confirm(user: string, code: string): string[] | null {
    return this.#db
      .transaction(() => {
        const row = this.#sql.get.get(user);
        if (row === undefined || row.since !== null || this.#now() - row.started > CONFIRM_MS) return null;
        const step = this.#stepOf(user, row.secret, code);
        if (step === null) return null;
        this.#sql.confirm.run(this.#now(), step, user);
        this.#sql.revise.run(user);
        return this.#newRecovery(user);
      })
      .immediate();
  }

  /** Use a code up: of the app, or a recovery code. Null when it is wrong, or was used before. */
  use(user: string, code: string): Factor | null {
    return this.#db
      .transaction((): Factor | null => {
        const row = this.#sql.get.get(user);
        if (row === undefined || row.since === null) return null;
        const plain = tidy(code);
        const step = this.#stepOf(user, row.secret, plain);
        if (step !== null) return this.#sql.step.run(step, user, step).changes === 1 ? 'code' : null;
        return this.#sql.useRecovery.run(user, sha256(plain)).changes === 1 ? 'recovery' : null;
      })
      .immediate();
  }

  /** Other recovery codes; those before are void. */
  renewRecovery(user: string): string[] {
    return this.#db.transaction(() => this.#newRecovery(user)).immediate();
  }

  /** Switch it off. False when there was none. */
  remove(user: string): boolean {
    return this.#db
      .transaction(() => {
        this.#sql.dropRecovery.run(user);
        if (this.#sql.remove.run(user).changes === 0) return false;
        this.#sql.revise.run(user);
        return true;
      })
      .immediate();
  }

  #newRecovery(user: string): string[] {
    this.#sql.dropRecovery.run(user);
    const codes = Array.from({ length: RECOVERY_CODES }, recoveryCode);
    for (const code of codes) this.#sql.addRecovery.run(user, sha256(tidy(code)));
    return codes;
  }

  /** The step a code belongs to; null when it is none of the three that count now. */
  #stepOf(user: string, secret: string, code: string): number | null {
    if (!/^\d{6}$/.test(code)) return null;
    const delta = this.#totp(user, secret).validate({ token: code, timestamp: this.#now(), window: 1 });
    return delta === null ? null : Math.floor(this.#now() / STEP_MS) + delta;
  }

  #totp(user: string, secret: string): TOTP {
    const issuer = `Sightglass ${this.#place}`.trim();
    return new TOTP({ issuer, label: user, secret, algorithm: 'SHA1', digits: 6, period: STEP_MS / 1000 });
  }
}

interface Row {
  secret: string;
  /** ms since epoch; `since` null until it was confirmed. */
  started: number;
  since: number | null;
  step: number;
}

/** 80 bits in four groups of letters and digits that are not mistaken for each other (Crockford's alphabet). */
function recoveryCode(): string {
  const text = Array.from(randomBytes(16), byte => ALPHABET[byte % 32] ?? '').join('');
  return text.replace(/(.{4})(?=.)/g, '$1-');
}

/** What people type: blanks and hyphens between the groups, small letters, O for 0. */
function tidy(code: string): string {
  return code.slice(0, 100).replace(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const STEP_MS = 30_000;
const CONFIRM_MS = 10 * 60_000;
