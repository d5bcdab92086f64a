/** What a fuzz target is. See main.ts for how to add one. */
import type { Rng } from './rng.ts';

export interface FuzzTarget {
  /** The word after `npm run fuzz --`; also the file name in targets/ and the folder in corpus/. */
  name: string;
  /** The one sentence that must hold for any bytes whatever. */
  invariant: string;
  /** Well-formed and interesting inputs that mutations start from. At least one. */
  seeds(): Buffer[];
  /**
   * Checks the invariant on one input; throwing is a find. `rng` is seeded from the bytes themselves, so a find
   * replays from its file alone. May be asynchronous where the judge is.
   */
  run(bytes: Buffer, rng: Rng): void | Promise<void>;
  /** Words of the format, inserted and overwritten by mutations. */
  dictionary?: readonly Buffer[];
  /** A structure-aware mutation, used for every fourth input beside the general ones. */
  mutate?(bytes: Buffer, rng: Rng): Buffer;
  /** Longest input made; default 4096. */
  maxLength?: number;
}
