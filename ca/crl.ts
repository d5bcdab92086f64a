/**
 * A certificate revocation list of our own (RFC 5280 §5). It is always empty: leaves live for days and are forgotten rather
 * than revoked. It exists because some clients, Schannel's among them, refuse a leaf whose revocation nobody can be asked
 * about. Signed by the authority that signs leaves; its number is the time, so it grows without being stored anywhere.
 */
import { authorityKeyId } from './x509.ts';
import { encode, encoded, explicit, integer, octets, oid, sequence, time, bits } from './der.ts';
import type { Signer } from './leaf.ts';
import { DAY } from './leaf.ts';

const OID = { ecdsaWithSha256: '1.2.840.10045.4.3.2', crlNumber: '2.5.29.20' };
const ALGORITHM = encode(sequence(oid(OID.ecdsaWithSha256)));

/** DER of the list. Times in ms since epoch, cut to whole seconds. */
export function buildCrl(signer: Signer, thisUpdate: number, nextUpdate: number): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(Math.floor(thisUpdate / 1000)));
  const tbs = encode(
    sequence(
      integer(1),
      encoded(ALGORITHM),
      encoded(signer.subject),
      time(thisUpdate),
      time(nextUpdate),
      explicit(
        0,
        sequence(authorityKeyId(signer.keyId), sequence(oid(OID.crlNumber), octets(encode(integer(number))))),
      ),
    ),
  );
  return encode(sequence(encoded(tbs), encoded(ALGORITHM), bits(signer.sign(tbs))));
}

export interface CrlKeeper {
  /** The list as it stands; renewed when half of its life is over. */
  current(): { der: Buffer; nextUpdate: number };
}

/**
 * Holds the list in memory and renews it on demand. It begins an hour ago for clients whose clock is slow, lives seven days,
 * and never ends after the authority itself.
 */
export function keepCrl(signer: Signer, now: () => number = Date.now): CrlKeeper {
  let held: { der: Buffer; from: number; nextUpdate: number } | null = null;
  return {
    current() {
      const at = now();
      // A clock that was set back makes a list from the future: made anew as well.
      if (held === null || at < held.from || at > held.from + (held.nextUpdate - held.from) / 2) {
        const nextUpdate = Math.min(at + LIFE, signer.notAfter);
        held = { der: buildCrl(signer, at - HOUR, nextUpdate), from: at, nextUpdate };
      }
      return { der: held.der, nextUpdate: held.nextUpdate };
    },
  };
}
const LIFE = 7 * DAY;
const HOUR = 3_600_000;
