/**
 * Moves a spool to a receiving end, one step at a time: greet, send a batch, wait for what was committed, go on. No timers and no
 * sockets here; the road is handed in: over HTTPS (link.ts) or into the store directly (`directRoad`).
 *
 * At least once on the road, exactly once in the store: whatever goes wrong, the next step greets again and begins where the
 * store says it is.
 */
import { listSegments } from '../producer.ts';
import type { Answer, Arrival, Intake, Sender } from './intake.ts';
import type { Batch } from './batch.ts';
import type { SegmentCursor, SpoolSource } from './spool-source.ts';

export interface Road {
  hello(arrival: Arrival): Promise<Map<string, SegmentCursor>>;
  send(batch: Batch): Promise<Answer>;
}

/** Into the store without a network. */
export const directRoad = (intake: Intake, sender: Sender): Road => ({
  hello: arrival => intake.hello(sender, arrival),
  send: batch => intake.take(sender, batch),
});

export interface Moved {
  /** Bytes of frames that were acknowledged in this step. */
  bytes: number;
  /** There may be more at once. */
  more: boolean;
}

export class Pump {
  private readonly source: SpoolSource;
  private readonly road: Road;
  private readonly spoolDir: string;
  private greeted = false;

  constructor(source: SpoolSource, road: Road, spoolDir: string) {
    this.source = source;
    this.road = road;
    this.spoolDir = spoolDir;
  }

  /** Move one batch. Throws what the road throws; the next call then begins anew. */
  async step(): Promise<Moved> {
    try {
      if (!this.greeted) {
        const segments = listSegments(this.spoolDir);
        const producers = [...new Set(segments.map(s => s.producer))];
        this.source.resume(await this.road.hello({ segments: segments.map(s => s.name), producers }));
        this.greeted = true;
      }
      const batch = this.source.next();
      if (batch === null) return { bytes: 0, more: this.source.restless };
      const answer = await this.road.send(batch);
      if (answer.kind === 'prelude') {
        this.source.rewind();
        return { bytes: 0, more: true };
      }
      this.source.settle(batch, answer.segments);
      return { bytes: batch.parts.reduce((sum, p) => sum + p.frames.length, 0), more: true };
    } catch (error) {
      this.greeted = false;
      this.source.rewind();
      throw error;
    }
  }
}
