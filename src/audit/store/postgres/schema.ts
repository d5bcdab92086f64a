/**
 * The tables of a fleet's store in PostgreSQL, as numbered steps that lead from an empty database to the newest version; a
 * database of a newer version is refused. Everything lies in the schema `sightglass`.
 *
 * Rows of traffic lie in daily partitions by UTC day of ingestion, as the day files of SQLite: retention drops a partition,
 * and a sealed day never changes. `ledger` is one row: the next place in the order of ingestion. Whoever writes a batch
 * holds its lock until the commit, so the order of places is the order of commits, over any number of collectors.
 *
 * Rows are chained in the order of their places (audit/chain.ts); `chain` holds the entries, in the transaction of the rows.
 *
 * Exactly once: `shipped` says how far each segment of each proxy is in the store, and changes in the transaction of the
 * rows themselves. The unique keys (proxy, flow) and (proxy, flow, n) are a second guard, within one day.
 *
 * Rights: the owner makes the tables. A writer needs INSERT on the traffic and may change only the book-keeping; days are
 * made and dropped by functions that run with the owner's rights. A reader needs SELECT. docs/fleet.md has the statements.
 */
import type { Client } from 'pg';

/** A store that cannot be used as it is, with what to do. */
export class PostgresStoreError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const FIRST = `
CREATE TABLE meta (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE ledger (one boolean PRIMARY KEY DEFAULT true CHECK (one), next bigint NOT NULL, day date NOT NULL);
INSERT INTO ledger (next, day) VALUES (1, '1970-01-01');

-- one row per data directory: a proxy that was set up anew under its old name counts its flows from the beginning
CREATE TABLE proxy (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL,
  spool bytea NOT NULL, since bigint NOT NULL, UNIQUE (name, spool));
CREATE TABLE shipped (proxy integer NOT NULL REFERENCES proxy, segment text COLLATE "C" NOT NULL, head bytea NOT NULL,
  at bigint NOT NULL, done boolean NOT NULL, bad boolean NOT NULL, PRIMARY KEY (proxy, segment));
CREATE TABLE open_flow (proxy integer NOT NULL REFERENCES proxy, flow bigint NOT NULL, start text NOT NULL,
  PRIMARY KEY (proxy, flow));
CREATE TABLE waiting_body (proxy integer NOT NULL REFERENCES proxy, flow bigint NOT NULL, n integer NOT NULL,
  side smallint NOT NULL, day date NOT NULL, sha bytea NOT NULL, size integer NOT NULL, PRIMARY KEY (proxy, flow, n, side));

-- sums: per day, and per minute and verdict for charts of everything
CREATE TABLE day (day date PRIMARY KEY, exchanges bigint NOT NULL, flows bigint NOT NULL, events bigint NOT NULL,
  lo bigint NOT NULL, hi bigint NOT NULL);
CREATE TABLE minute (day date NOT NULL, kind smallint NOT NULL, minute bigint NOT NULL, action text COLLATE "C" NOT NULL,
  n bigint NOT NULL, faults bigint NOT NULL, PRIMARY KEY (day, kind, minute, action));

CREATE TABLE exchange (day date NOT NULL, seq bigint NOT NULL, proxy integer NOT NULL, flow bigint NOT NULL,
  n integer NOT NULL, time bigint NOT NULL, us bigint NOT NULL, wait bigint, client text COLLATE "C" NOT NULL, ip bytea,
  account text COLLATE "C", method text COLLATE "C" NOT NULL, scheme text COLLATE "C" NOT NULL,
  host text COLLATE "C" NOT NULL, port integer NOT NULL, path text COLLATE "C" NOT NULL, status integer,
  protocol text COLLATE "C" NOT NULL, action text COLLATE "C" NOT NULL, rule text COLLATE "C" NOT NULL,
  policy text COLLATE "C" NOT NULL, reason text COLLATE "C" NOT NULL, capture text COLLATE "C" NOT NULL,
  refusal text COLLATE "C" NOT NULL, fault text COLLATE "C", fault_detail text COLLATE "C", sni text COLLATE "C",
  type text COLLATE "C", up bigint NOT NULL, down bigint NOT NULL, flags integer NOT NULL, req_kept integer NOT NULL,
  res_kept integer NOT NULL, req_sha bytea, res_sha bytea, req_body bytea, res_body bytea, req_text bytea, res_text bytea, req_block bytea NOT NULL,
  res_block bytea NOT NULL, req_rest text COLLATE "C", res_rest text COLLATE "C",
  mask text COLLATE "C", tls text COLLATE "C", parent text COLLATE "C", masked text COLLATE "C", words tsvector NOT NULL,
  PRIMARY KEY (day, seq), UNIQUE (day, proxy, flow, n)) PARTITION BY LIST (day);
CREATE INDEX ON exchange (left(lower(host), 255));
CREATE INDEX ON exchange (ip);
CREATE INDEX ON exchange (left(lower(account), 255)) WHERE account IS NOT NULL;
CREATE INDEX ON exchange USING gin (words);
CREATE INDEX ON exchange (req_text) WHERE req_text IS NOT NULL;
CREATE INDEX ON exchange (res_text) WHERE res_text IS NOT NULL;

CREATE TABLE flow (day date NOT NULL, seq bigint NOT NULL, proxy integer NOT NULL, flow bigint NOT NULL,
  time bigint NOT NULL, us bigint NOT NULL, client text COLLATE "C" NOT NULL, ip bytea, account text COLLATE "C",
  host text COLLATE "C", port integer, scheme text COLLATE "C", ingress text COLLATE "C", sni text COLLATE "C",
  alpn text COLLATE "C", ja4 text COLLATE "C", action text COLLATE "C", rule text COLLATE "C", policy text COLLATE "C",
  reason text COLLATE "C", fault text COLLATE "C", up bigint NOT NULL, down bigint NOT NULL, exchanges integer NOT NULL,
  hello bytea, cert bytea, mask text COLLATE "C", tls text COLLATE "C", parent text COLLATE "C",
  detail text NOT NULL, words tsvector NOT NULL,
  PRIMARY KEY (day, seq), UNIQUE (day, proxy, flow)) PARTITION BY LIST (day);
CREATE INDEX ON flow (left(lower(host), 255));
CREATE INDEX ON flow (ip);
CREATE INDEX ON flow USING gin (words);

CREATE TABLE event (day date NOT NULL, seq bigint NOT NULL, proxy integer NOT NULL, time bigint NOT NULL,
  name text COLLATE "C" NOT NULL, detail text COLLATE "C" NOT NULL, PRIMARY KEY (day, seq)) PARTITION BY LIST (day);

-- texts that repeat, by their hash: header blocks without what varies, hellos, certificates
CREATE TABLE block (day date NOT NULL, hash bytea NOT NULL, text text COLLATE "C" NOT NULL, words tsvector NOT NULL,
  PRIMARY KEY (day, hash)) PARTITION BY LIST (day);
CREATE INDEX ON block USING gin (words);
-- bodies by SHA-256 of the kept bytes; enc: 0 as is, 1 raw deflate
CREATE TABLE body (day date NOT NULL, sha bytea NOT NULL, size integer NOT NULL, enc smallint NOT NULL,
  data bytea NOT NULL, PRIMARY KEY (day, sha)) PARTITION BY LIST (day);
ALTER TABLE body ALTER COLUMN data SET STORAGE EXTERNAL;
-- words of bodies, by body and reading (body-words.ts)
CREATE TABLE body_text (day date NOT NULL, hash bytea NOT NULL, words tsvector NOT NULL,
  PRIMARY KEY (day, hash)) PARTITION BY LIST (day);
CREATE INDEX ON body_text USING gin (words);

CREATE FUNCTION make_day(wanted date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = sightglass, pg_temp AS $$
DECLARE parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['exchange', 'flow', 'event', 'block', 'body', 'body_text'] LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES IN (%L)',
      parent || '_' || to_char(wanted, 'YYYYMMDD'), parent, wanted);
  END LOOP;
END $$;
CREATE FUNCTION drop_day(wanted date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = sightglass, pg_temp AS $$
DECLARE parent text;
BEGIN
  IF wanted >= (SELECT l.day FROM ledger l) THEN RAISE EXCEPTION 'the day being written is never dropped'; END IF;
  FOREACH parent IN ARRAY ARRAY['exchange', 'flow', 'event', 'block', 'body', 'body_text'] LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(wanted, 'YYYYMMDD'));
  END LOOP;
  DELETE FROM minute m WHERE m.day = wanted;
  DELETE FROM day d WHERE d.day = wanted;
END $$;
REVOKE ALL ON FUNCTION make_day(date), drop_day(date) FROM PUBLIC;
`;

/**
 * Legal holds lie beside the days they keep, so that they bind every collector on this database; `drop_day` looks itself. A hold
 * that is being laid waits until a day is gone, or comes in time to keep it.
 */
const HOLDS = `
CREATE TABLE hold (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, first date NOT NULL, last date NOT NULL,
  reason text NOT NULL, made_by text NOT NULL, created bigint NOT NULL, lifted bigint, lifted_by text, CHECK (first <= last));
`;

const CHAIN = `
-- rows of less than this place are older than the chain
INSERT INTO meta SELECT 'chained', next::text FROM ledger;

-- one chain per signing key, so per collector: where it ends, and as JSON what the next day goes on from
CREATE TABLE chain_head (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text COLLATE "C" NOT NULL UNIQUE,
  seq bigint NOT NULL, link bytea NOT NULL, tail text NOT NULL);
CREATE TABLE chain_start (day date NOT NULL, chain integer NOT NULL REFERENCES chain_head, start text NOT NULL,
  PRIMARY KEY (day, chain));
-- the entries of one batch, 45 bytes each; their row ids count from the place base
CREATE TABLE chain (day date NOT NULL, chain integer NOT NULL, seq bigint NOT NULL, base bigint NOT NULL,
  entries bytea NOT NULL, link bytea NOT NULL, PRIMARY KEY (day, chain, seq)) PARTITION BY LIST (day);
ALTER TABLE chain ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE INDEX ON chain (base);
CREATE TABLE checkpoint (chain integer NOT NULL REFERENCES chain_head, n bigint NOT NULL, day date NOT NULL,
  statement text NOT NULL, signature bytea NOT NULL, PRIMARY KEY (chain, n));
CREATE INDEX ON checkpoint (day);
-- signed when a day is over, and when it is dropped: these stay when the day goes
CREATE TABLE seal (day date NOT NULL, chain integer NOT NULL REFERENCES chain_head, statement text NOT NULL,
  signature bytea NOT NULL, PRIMARY KEY (day, chain));
CREATE TABLE dropped (day date NOT NULL, chain integer NOT NULL REFERENCES chain_head, statement text NOT NULL,
  signature bytea NOT NULL, PRIMARY KEY (day, chain));

CREATE OR REPLACE FUNCTION make_day(wanted date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = sightglass, pg_temp AS $$
DECLARE parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['exchange', 'flow', 'event', 'block', 'body', 'body_text', 'chain'] LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES IN (%L)',
      parent || '_' || to_char(wanted, 'YYYYMMDD'), parent, wanted);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION drop_day(wanted date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = sightglass, pg_temp AS $$
DECLARE parent text;
BEGIN
  IF wanted >= (SELECT l.day FROM ledger l) THEN RAISE EXCEPTION 'the day being written is never dropped'; END IF;
  LOCK TABLE hold IN SHARE MODE;
  IF EXISTS (SELECT FROM hold h WHERE h.lifted IS NULL AND wanted BETWEEN h.first AND h.last) THEN
    RAISE EXCEPTION 'the day is under legal hold';
  END IF;
  FOREACH parent IN ARRAY ARRAY['exchange', 'flow', 'event', 'block', 'body', 'body_text', 'chain'] LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(wanted, 'YYYYMMDD'));
  END LOOP;
  DELETE FROM minute m WHERE m.day = wanted;
  DELETE FROM day d WHERE d.day = wanted;
  DELETE FROM chain_start s WHERE s.day = wanted;
  DELETE FROM checkpoint c WHERE c.day = wanted;
END $$;

-- roles that write or read the records do the same with their chain
DO $$
DECLARE held record;
BEGIN
  FOR held IN SELECT DISTINCT g.grantee, g.privilege_type AS may FROM information_schema.role_table_grants g
    WHERE g.table_schema = 'sightglass' AND g.table_name = 'exchange' AND g.privilege_type IN ('SELECT', 'INSERT')
    AND g.grantee NOT IN ('PUBLIC', current_user) LOOP
    EXECUTE format('GRANT %s ON sightglass.chain_head, sightglass.chain_start, sightglass.chain, sightglass.checkpoint,
      sightglass.seal, sightglass.dropped TO %I', held.may, held.grantee);
    IF held.may = 'INSERT' THEN EXECUTE format('GRANT UPDATE ON sightglass.chain_head TO %I', held.grantee); END IF;
  END LOOP;
END $$;
`;

/** Steps by the version they lead to. A released step is never changed. */
const STEPS: readonly { version: number; sql: string }[] = [
  { version: 1, sql: FIRST },
  { version: 2, sql: HOLDS },
  { version: 3, sql: CHAIN },
];

export const POSTGRES_VERSION = STEPS.at(-1)?.version ?? 0;

/** A number of our own, so that two processes do not migrate at once. */
const MIGRATION_LOCK = 0x53474c53;

/**
 * Bring the database to the newest version. A role that owns nothing there only looks: an up-to-date database is enough for it.
 * Throws PostgresStoreError for a newer database, and for an older one that this role may not change.
 */
export async function migrate(client: Client): Promise<void> {
  const found = await versionOf(client);
  if (found === POSTGRES_VERSION) return;
  refuseNewer(found);
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await client.query('CREATE SCHEMA IF NOT EXISTS sightglass');
    const now = (await versionOf(client)) ?? 0;
    for (const step of STEPS) {
      if (step.version <= now) continue;
      await client.query(step.sql);
      await client.query(
        `INSERT INTO meta VALUES ('version', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        [String(step.version)],
      );
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if ((error as { code?: string }).code === '42501')
      throw new PostgresStoreError(
        `The database has ${found === null ? 'no tables of Sightglass' : `version ${found} of the tables`} and this role may not make them.`,
        'Start once with a role that may create the schema sightglass, as docs/fleet.md shows.',
      );
    throw error;
  }
}

/** Throws unless the database has the version that this program reads. */
export async function checkVersion(client: Pick<Client, 'query'>): Promise<void> {
  const found = await versionOf(client);
  refuseNewer(found);
  if (found !== POSTGRES_VERSION)
    throw new PostgresStoreError(
      found === null
        ? 'The database has no tables of Sightglass.'
        : `The database has version ${found} of the tables.`,
      'Start the collector first: it makes the tables and keeps them up to date.',
    );
}

function refuseNewer(found: number | null): void {
  if (found !== null && found > POSTGRES_VERSION)
    throw new PostgresStoreError(
      `The database was written by a newer version (tables ${found}, this is ${POSTGRES_VERSION}).`,
      'Use that version.',
    );
}

async function versionOf(client: Pick<Client, 'query'>): Promise<number | null> {
  const { rows } = await client.query<{ made: boolean }>(
    `SELECT to_regclass('sightglass.meta') IS NOT NULL AS made`,
  );
  if (rows[0]?.made !== true) return null;
  const found = await client.query<{ value: string }>(
    `SELECT value FROM sightglass.meta WHERE key = 'version'`,
  );
  const value = found.rows[0]?.value;
  return value === undefined ? null : Number(value);
}
