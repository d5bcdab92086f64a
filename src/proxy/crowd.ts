/**
 * Who is connected: the open flows of one worker, counted in total and per client.
 *
 * Bounds: `limits.connections` flows and `limits.connections-per-client` of one address. At either bound the new
 * connection is refused and the older ones live on (promise 2). An address leaves the count with its last connection.
 */
import { Fault } from '../core/faults.ts';
import { inNetworks } from '../core/network.ts';
import type { Settings } from '../settings/catalogue.ts';
import type { Flow } from './flow.ts';

export class Crowd {
  readonly #settings: Settings;
  readonly #flows = new Map<number, Flow>();
  readonly #perClient = new Map<string, number>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** A copy, so that flows may leave while it is walked. */
  flows(): Flow[] {
    return [...this.#flows.values()];
  }

  /** Why a connection from this address cannot be taken now, or null. */
  refusal(client: string): Fault | null {
    const settings = this.#settings;
    if (client === '' || !inNetworks(client, settings['proxy.allow-clients']))
      return new Fault('client-not-allowed', client);
    if (this.#flows.size >= settings['limits.connections']) return new Fault('connection-cap');
    if ((this.#perClient.get(client) ?? 0) >= settings['limits.connections-per-client'])
      return new Fault('client-cap', client);
    return null;
  }

  enter(flow: Flow): void {
    this.#flows.set(flow.id, flow);
    this.#perClient.set(flow.client, (this.#perClient.get(flow.client) ?? 0) + 1);
  }

  leave(flow: Flow): void {
    if (!this.#flows.delete(flow.id)) return;
    const left = (this.#perClient.get(flow.client) ?? 1) - 1;
    if (left > 0) this.#perClient.set(flow.client, left);
    else this.#perClient.delete(flow.client);
  }

  /** Ends what waited too long. One pass over all flows is cheaper than a timer for each wait of each flow. */
  expire(now: number): void {
    for (const flow of this.#flows.values()) if (flow.expiresAt <= now) flow.abort(new Fault(flow.expiry));
  }
}
