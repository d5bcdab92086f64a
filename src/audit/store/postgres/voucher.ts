/**
 * The part of the writer that vouches for what it stores: the chain of this collector, its checkpoints, the seals of days that are
 * over; and it notices a database that is an older state of itself.
 *
 * What was signed is copied to the witness after the commit. Everything remembered of the database is forgotten when the
 * connection breaks. Bound: one batch's statements; of a day being sealed, one page of entries.
 */
import { CHAIN_MOVED, SET_BACK } from '../../last-signed.ts';
import { FleetChain, UNSIGNED } from './chain.ts';
import { FleetSealing } from './sealing.ts';
import { CHAIN_SQL } from './statements.ts';
import type { Client } from 'pg';
import type { StoredCheckpoint } from '../../chain-tail.ts';
import type { LastSigned } from '../../last-signed.ts';
import type { Note, Notary } from '../../notary.ts';
import type { Signed, Signer } from '../../statement.ts';

export class Voucher {
  private readonly notary: Notary | null;
  private readonly memory: LastSigned | null;
  private readonly signer: Signer | null;
  private readonly now: () => number;
  private chain: FleetChain | null = null;
  private sealing: FleetSealing | null = null;
  /** Day of the last batch: when it changes there may be a day to seal. */
  private day = '';
  private looked = false;
  /** Rows that this process knows to be stored. */
  private seq = 0;
  /** Number of the checkpoint whose absence was told. */
  private missed = 0;
  /** Signed in the transaction under way. */
  private signed: StoredCheckpoint[] = [];

  constructor(notary: Notary | null, memory: LastSigned | null, now: () => number) {
    this.notary = notary;
    this.memory = memory;
    this.signer = notary?.signer ?? null;
    this.now = now;
  }

  /** What is known of the database may be wrong. */
  forget(): void {
    this.chain = null;
    this.sealing = null;
    this.looked = false;
    this.signed = [];
  }

  /** What there is to tell now; `told` forgets the first so many. */
  notes(): readonly Note[] {
    return [...(this.notary?.pending() ?? [])];
  }

  told(count: number): void {
    this.notary?.told(count);
  }

  /** Whether there is something to sign; a chain that was not read yet may have it. */
  isDue(all: boolean): boolean {
    if (this.signer === null || this.notary === null) return false;
    if (this.chain === null) return true;
    return all ? this.chain.unsigned > 0 : this.notary.due(this.chain.unsigned) !== null;
  }

  /** A batch for `day` begins; under the ledger's lock. */
  async begin(client: Client, day: string): Promise<FleetChain> {
    this.signed = [];
    if (this.chain === null) {
      const chain = await FleetChain.read(client, this.signer?.keyId ?? UNSIGNED, day);
      await this.compare(client, chain);
      await this.catchUp(client, chain);
      this.chain = chain;
    }
    this.keep(await this.chain.turn(client, day, this.signer, this.now()));
    if (day !== this.day) this.looked = false;
    this.day = day;
    return this.chain;
  }

  /** The rows of the batch are chained: store that, and sign what is due, or all. */
  async end(client: Client, base: number, all: boolean): Promise<void> {
    const { chain, notary } = this;
    if (chain === null) return;
    await chain.save(client, base);
    const signer = all ? this.signer : (notary?.due(chain.unsigned) ?? null);
    if (signer !== null) this.keep(await chain.checkpoint(client, signer, this.now()));
    await chain.move(client);
  }

  /** The batch is committed. */
  committed(): void {
    this.seq = this.chain?.seq ?? 0;
    for (const signed of this.signed) {
      this.notary?.checkpointed(signed);
      this.memory?.write(signed);
    }
    this.signed = [];
  }

  /** The chain does not end where this process left it: somebody else has the key, or writes without one. */
  moved(): void {
    this.notary?.tell(CHAIN_MOVED, { rows: this.seq });
  }

  /** Seal days that are over, a little per call. True when there is more to do at once. */
  async seal(client: Client): Promise<boolean> {
    const { chain, signer } = this;
    if (chain === null || signer === null) return false;
    if (this.sealing === null) {
      if (this.looked) return false;
      this.sealing = await FleetSealing.next(client, chain.id);
      this.looked = this.sealing === null;
      return this.sealing !== null;
    }
    const sealed = await this.sealing.step(client, signer, this.now());
    if (sealed === null) return true;
    this.sealing = null;
    this.notary?.signed(sealed);
    return true;
  }

  private keep(signed: StoredCheckpoint | null): void {
    if (signed !== null) this.signed.push(signed);
  }

  /** Tell when the database does not have what was stored in it. */
  private async compare(client: Client, chain: FleetChain): Promise<void> {
    const last = this.memory?.read() ?? null;
    const own = last !== null && last.checkpoint.key === this.signer?.keyId ? last : null;
    const number = own?.checkpoint.number ?? 0;
    const rows = Math.max(this.seq, own?.checkpoint.last ?? 0);
    const { rows: found } = await client.query<{ statement: string }>(CHAIN_SQL.checkpoint, [
      chain.id,
      number,
    ]);
    const other = found[0] !== undefined && found[0].statement !== own?.statement;
    if (!other && number <= chain.checkpoints && this.seq <= chain.seq) return;
    if (number > 0 && number === this.missed) return;
    this.missed = number;
    this.notary?.tell(SET_BACK, {
      rows,
      foundRows: chain.seq,
      checkpoint: number,
      foundCheckpoint: chain.checkpoints,
    });
    this.seq = chain.seq;
  }

  /** Copy the checkpoints that the witness misses. */
  private async catchUp(client: Client, chain: FleetChain): Promise<void> {
    let after = this.notary?.witnessed ?? Infinity;
    while (Number.isFinite(after)) {
      const { rows } = await client.query<Signed & { n: number }>(CHAIN_SQL.checkpointsAfter, [
        chain.id,
        after,
      ]);
      for (const row of rows) this.notary?.signed(row);
      after = rows.at(-1)?.n ?? Infinity;
    }
  }
}
