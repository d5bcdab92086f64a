/**
 * A hint on how guessable a password is: length first, variety second, plain repetition and the own name never count.
 * It judges nothing; the server has the rules. Pure.
 */
import { PASSWORD_MIN } from '../../contract.ts';

export interface Strength {
  /** 0 nothing yet, 1 too weak, 2 acceptable, 3 strong. */
  level: 0 | 1 | 2 | 3;
  words: string;
}

export function passwordStrength(password: string, name: string): Strength {
  if (password === '')
    return { level: 0, words: `At least ${PASSWORD_MIN} characters; a few unrelated words are best.` };
  if (password.length < PASSWORD_MIN)
    return { level: 1, words: `${PASSWORD_MIN - password.length} more characters are needed.` };
  const own = name.length >= 3 ? password.toLowerCase().replaceAll(name.toLowerCase(), '') : password;
  // A character that repeats or follows its neighbour (aaa, 123, abc) adds next to nothing.
  let counted = 0;
  for (let at = 0; at < own.length; at++) {
    const step = at === 0 ? 99 : own.charCodeAt(at) - own.charCodeAt(at - 1);
    if (Math.abs(step) > 1) counted++;
  }
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter(kind => kind.test(own)).length;
  const score = Math.min(counted, new Set(own).size * 2) + kinds * 2;
  if (score < 14) return { level: 1, words: 'Easy to guess: too much repetition, or your own name.' };
  if (score < 22) return { level: 2, words: 'Good enough. Longer is stronger.' };
  return { level: 3, words: 'Strong.' };
}
