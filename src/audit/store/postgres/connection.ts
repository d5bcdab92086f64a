/**
 * The writer's one connection: made when it is first needed, made anew after it broke. Whoever uses it learns by `lost` that
 * what he remembers of the database may be wrong.
 */
import pg from 'pg';
import { clientConfig } from './connect.ts';
import { checkVersion, migrate } from './schema.ts';
import type { PostgresTarget } from './connect.ts';

/**
 * A writer that vanished without a word must not hold the ledger's lock for long, and a statement that hangs must end: both
 * only bring the next try.
 */
const GUARDS =
  '-c statement_timeout=120s -c idle_in_transaction_session_timeout=60s ' +
  '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3';

/** Run one thing on a connection of its own. A role that only reads will do for reading. */
export async function withConnection<T>(
  target: PostgresTarget,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const connection = new WriterConnection(target, () => undefined);
  try {
    return await connection.use(work);
  } finally {
    await connection.close();
  }
}

export class WriterConnection {
  private readonly target: PostgresTarget;
  private readonly lost: () => void;
  private client: pg.Client | null = null;

  /** `lost` is called whenever something went wrong or the connection ended. */
  constructor(target: PostgresTarget, lost: () => void) {
    this.target = target;
    this.lost = lost;
  }

  /** Run something on the connection. An open transaction of it that failed is rolled back. */
  async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = this.client ?? (await this.connect());
    try {
      return await work(client);
    } catch (error) {
      this.lost();
      try {
        await client.query('ROLLBACK');
      } catch {
        this.drop(client);
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    const { client } = this;
    this.client = null;
    this.lost();
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<pg.Client> {
    const config = clientConfig(this.target, 'sightglass writer');
    const client = new pg.Client({ ...config, options: `${config.options ?? ''} ${GUARDS}` });
    // A connection that breaks while nobody uses it says so here.
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    try {
      await client.connect();
      await migrate(client);
      await checkVersion(client);
    } catch (error) {
      client.end().catch(() => undefined);
      throw error;
    }
    this.client = client;
    return client;
  }

  private drop(client: pg.Client): void {
    if (this.client !== client) return;
    this.client = null;
    this.lost();
    client.end().catch(() => undefined);
  }
}
