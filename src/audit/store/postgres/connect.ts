/**
 * Connections to the store in PostgreSQL: options, numbers instead of texts for 64-bit columns (all of ours fit 53 bits), and the
 * schema's search path. The password comes from a file or from PGPASSWORD, is read anew for each connection, and is part of no
 * message.
 */
import fs from 'node:fs';
import pg from 'pg';
import type { ClientConfig } from 'pg';
import type { PostgresAddress } from '../../../core/postgres-address.ts';

export interface PostgresTarget {
  address: PostgresAddress;
  /** File whose first line is the password; null for PGPASSWORD or none. */
  passwordFile: string | null;
}

const INT8 = 20;
const DATE = 1082;
type Parse = (text: string) => unknown;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text'): Parse => {
    if (oid === INT8) return Number;
    if (oid === DATE) return String;
    return pg.types.getTypeParser(oid, format ?? 'text') as Parse;
  }) as typeof pg.types.getTypeParser,
};

const CONNECT_MS = 5000;

/** Options for a client or a pool. Throws when a file cannot be read. */
export function clientConfig(target: PostgresTarget, application: string): ClientConfig {
  const { address: a } = target;
  return {
    host: a.host,
    port: a.port,
    database: a.database,
    user: a.user,
    password: () => passwordOf(target),
    ssl: a.tls
      ? { rejectUnauthorized: true, ...(a.caFile === null ? {} : { ca: fs.readFileSync(a.caFile, 'utf8') }) }
      : false,
    types,
    options: '-c search_path=sightglass,pg_temp -c timezone=UTC',
    application_name: application,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  };
}

function passwordOf(target: PostgresTarget): string {
  if (target.passwordFile === null) return process.env['PGPASSWORD'] ?? '';
  return fs.readFileSync(target.passwordFile, 'utf8').split(/\r?\n/, 1)[0] ?? '';
}
