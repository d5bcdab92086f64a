/**
 * The part of whoever records that vouches for what was stored: decides when a checkpoint is due, has days sealed, copies what was
 * signed to the witness, watches the clock, and gathers what it has to tell as event rows for the next batch. Holds no row
 * and no file of its own, and knows no store.
 *
 * Without a signer nothing is signed or sealed; the clock is watched all the same. Bound: `MAX_NOTES` events that wait for a
 * batch to be committed; the oldest stay, since the first one says what began.
 */
import { ClockWatch } from './clock-watch.ts';
import type { EventRecord } from '../core/records.ts';
import type { Sealer } from './sealer.ts';
import type { Signed, Signer } from './statement.ts';
import type { Witness } from './witness.ts';

/** Rows are signed for at least this often, and at the latest after so many of them. */
const CHECKPOINT_MS = 60_000;
const CHECKPOINT_ROWS = 65_536;
const MAX_NOTES = 100;

export interface NotaryOptions {
  /** ms since epoch. */
  now: () => number;
  /** ms of a clock that never steps. */
  steady: () => number;
  signer: Signer | null;
  /** Seals day files; null where there are none to seal. */
  sealer: Sealer | null;
  /** Gets a copy of every checkpoint and seal, after it is in the store. */
  witness: Pick<Witness, 'write' | 'lastNumber'> | null;
}

export type Note = Pick<EventRecord, 'name' | 'detail'>;

export class Notary {
  readonly signer: Signer | null;
  private readonly options: NotaryOptions;
  private readonly sealer: Sealer | null;
  private readonly clock = new ClockWatch();
  private witnessFails = false;
  private signedAt = -Infinity;
  private notes: Note[] = [];

  constructor(options: NotaryOptions) {
    this.options = options;
    this.signer = options.signer;
    this.sealer = options.sealer;
  }

  /** The signer, when rows since the last checkpoint are to be signed with this batch; null when not yet. */
  due(unsigned: number): Signer | null {
    if (unsigned === 0) return null;
    const late = this.options.steady() - this.signedAt >= CHECKPOINT_MS;
    return late || unsigned >= CHECKPOINT_ROWS ? this.signer : null;
  }

  /** A checkpoint or seal is in the store: copy it outside. When that fails the store goes on, and a row tells of it once. */
  signed(signed: Signed): void {
    const error = this.options.witness?.write(signed) ?? null;
    if (error !== null && !this.witnessFails) this.tell('audit.witness-failed', { error });
    this.witnessFails = error !== null;
  }

  /** The same of a checkpoint that was due: the next one is due a minute later. */
  checkpointed(signed: Signed): void {
    this.signedAt = this.options.steady();
    this.signed(signed);
  }

  /** Number of the last checkpoint that the witness has: later ones that are stored are to be `signed` again. Null without one. */
  get witnessed(): number | null {
    return this.options.witness?.lastNumber() ?? null;
  }

  /** A day has ended. */
  dayEnded(): void {
    this.sealer?.look();
  }

  /** Seal days that are over, a little per call. True when there is more to do at once. */
  seal(): boolean {
    if (this.sealer === null) return false;
    const { more, signed, failed } = this.sealer.step();
    if (signed !== null) this.signed(signed);
    if (failed !== null) this.tell('audit.seal-failed', { ...failed });
    return more;
  }

  /** Something to be told by a row of the next batch. */
  tell(name: string, detail: Record<string, unknown>): void {
    if (this.notes.length < MAX_NOTES) this.notes.push({ name, detail });
  }

  /** What there is to tell now; `told` forgets the first so many, once the batch that holds them is committed. */
  pending(): readonly Note[] {
    // A clock that was set shows in the rows around it; this row says that it was, and by how much.
    const step = this.clock.look(this.options.now(), this.options.steady());
    if (step !== null) {
      const [from, to] = [step.from, step.to].map(time => new Date(time).toISOString());
      this.tell('clock.stepped', { from, to, ms: step.to - step.from });
    }
    return this.notes;
  }

  told(count = this.notes.length): void {
    this.notes = this.notes.slice(count);
  }

  close(): void {
    this.sealer?.close();
  }
}
