/**
 * Passwords as scrypt hashes: make, check, and nothing else. Asynchronous on libuv's pool, so that the control process
 * keeps minting leaves meanwhile.
 *
 * Cost N = 2^15, r = 8, p = 3 (32 MiB and about 0.2 s of one core; OWASP's password storage sheet lists N=2^15, p=3 among
 * its equivalent minima). The parameters stand in the encoded text, so they can be raised later. At most `MAX_RUNNING`
 * run at once and `MAX_WAITING` wait: beyond that a check is refused as busy, because each holds 32 MiB.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Raised when too many checks wait; says nothing about the password. */
export class HashBusyError extends Error {
  override readonly name = 'HashBusyError';
}

export interface ScryptCost {
  /** log2 of N. */
  logN: number;
  r: number;
  p: number;
}

export const DEFAULT_COST: ScryptCost = { logN: 15, r: 8, p: 3 };

/** Hash a password: `scrypt$logN$r$p$salt$hash`, base64url. */
export async function hashPassword(password: string, cost: ScryptCost = DEFAULT_COST): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return `scrypt$${cost.logN}$${cost.r}$${cost.p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** True when the password belongs to the encoded hash. Takes the same time either way. Throws on a damaged encoding. */
export async function checkPassword(password: string, encoded: string): Promise<boolean> {
  const [scheme, logN, r, p, salt, hash] = encoded.split('$');
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined)
    throw new Error('unknown password encoding in the control store');
  const wanted = Buffer.from(hash, 'base64url');
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  const got = await derive(password, Buffer.from(salt, 'base64url'), cost);
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}

let running = 0;
const waiting: (() => void)[] = [];

async function derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING) throw new HashBusyError('too many password checks are waiting');
    await new Promise<void>(resolve => waiting.push(resolve));
  } else running++;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const options = {
        N: 2 ** cost.logN,
        r: cost.r,
        p: cost.p,
        maxmem: 256 * 2 ** cost.logN * cost.r,
      };
      // NFC: the same password typed on two keyboards may arrive composed or decomposed.
      scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, key) =>
        error === null ? resolve(key) : reject(error),
      );
    });
  } finally {
    // The slot passes straight to the next in line, so `running` only falls when nobody waits.
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

const HASH_BYTES = 32;
/** Half of libuv's default pool of four: file and DNS work must not starve behind passwords. */
const MAX_RUNNING = 2;
/** At 0.2 s each and two at a time the last of them waits about 6 s; longer than that nobody waits at a log-in. */
const MAX_WAITING = 64;
