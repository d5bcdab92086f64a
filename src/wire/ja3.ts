/**
 * JA3, the older client fingerprint (public description by Salesforce, 2017): five lists in the client's order,
 * decimal, GREASE left out, hashed with MD5. Browsers shuffle their extensions since 2023, so one browser has very
 * many JA3 values; it is kept because existing threat lists speak it. JA4 is the one to match on.
 */
import { hash } from 'node:crypto';
import { withoutGrease } from './grease.ts';
import type { HelloFields } from './hello-fields.ts';

/** The text that is hashed: `version,ciphers,extensions,groups,point formats`. */
export function ja3Text(f: HelloFields): string {
  const join = (values: readonly number[]): string => withoutGrease(values).join('-');
  return `${f.legacyVersion},${join(f.ciphers)},${join(f.extensions)},${join(f.groups)},${f.pointFormats.join('-')}`;
}

/** 32 lower-case hex digits. MD5 is what the format prescribes; nothing is protected by it. */
export function ja3(f: HelloFields): string {
  return hash('md5', ja3Text(f));
}
