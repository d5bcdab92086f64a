/**
 * Questions to a fleet's store: a pool of connections with a role that reads. A database of another version is refused at the
 * first question.
 *
 * Bounds: `connections` questions at once, further ones wait; each is ended by the server after the time it is given.
 */
import pg from 'pg';
import { clientConfig } from './connect.ts';
import { checkVersion } from './schema.ts';
import type { PostgresParam } from '../../query/postgres.ts';
import type { PostgresTarget } from './connect.ts';

/** What PostgreSQL says when a question was ended: its time was over, or the server wants to stop. */
export const CANCELLED = '57014';

export class Questions {
  private readonly pool: pg.Pool;
  private checked = false;

  constructor(target: PostgresTarget, connections: number) {
    this.pool = new pg.Pool({
      ...clientConfig(target, 'sightglass reader'),
      max: connections,
      allowExitOnIdle: true,
    });
    // An idle connection that breaks is replaced by the next question.
    this.pool.on('error', () => undefined);
  }

  /** One question on one connection, ended by the server after `ms`. */
  async ask<R extends object>(sql: string, params: PostgresParam[], ms: number): Promise<R[]> {
    const client = await this.pool.connect();
    let broken = false;
    try {
      if (!this.checked) {
        await checkVersion(client);
        this.checked = true;
      }
      await client.query(`SET statement_timeout = ${Math.max(1, Math.ceil(ms))}`);
      return (await client.query<R & pg.QueryResultRow>(sql, params)).rows;
    } catch (error) {
      broken = (error as { code?: string }).code !== CANCELLED;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
