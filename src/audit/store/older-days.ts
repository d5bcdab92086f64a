/**
 * Lets a day file of an older version be read as if it were of the newest: tables it lacks become empty temporary ones, columns it
 * lacks become NULL (or their default) through a temporary view of the same name, which SQLite prefers to the table. Where
 * an older file has the same in another shape, a stand-in says how to read it.
 * The file itself is not touched. A full-text table it lacks becomes an empty one, too: what it would find is not found there.
 */
import type Database from 'better-sqlite3';

interface Column {
  name: string;
  dflt_value: string | null;
}

/** Complete `db` up to the tables of `newest`. `standIns`: a SELECT by the name of a table that the file lacks. */
export function completeOlder(
  db: Database.Database,
  newest: Database.Database,
  standIns: Readonly<Record<string, string>> = {},
): void {
  const tables = newest
    .prepare(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE %TABLE%' AND name NOT GLOB '*_fts_*'`,
    )
    .all() as { name: string; sql: string }[];
  for (const { name, sql } of tables) {
    const has = columnsOf(db, name).map(column => column.name);
    if (has.length === 0) {
      const standIn = standIns[name];
      if (standIn !== undefined) db.exec(`CREATE TEMP VIEW ${name} AS ${standIn}`);
      else db.exec(sql.replace(/^CREATE (VIRTUAL )?TABLE /, 'CREATE $1TABLE temp.'));
      continue;
    }
    const wanted = columnsOf(newest, name);
    if (wanted.every(column => has.includes(column.name))) continue;
    const list = wanted.map(column =>
      has.includes(column.name) ? column.name : `${column.dflt_value ?? 'NULL'} AS ${column.name}`,
    );
    db.exec(`CREATE TEMP VIEW ${name} AS SELECT ${list.join(', ')} FROM main.${name}`);
  }
}

/** Columns of a table; names come from our own schema, never from a request. */
function columnsOf(db: Database.Database, table: string): Column[] {
  return db.prepare('SELECT name, dflt_value FROM pragma_table_info(?)').all(table) as Column[];
}
