/**
 * The address of a PostgreSQL store, `postgres://user@host:port/database`, as connection options. Pure. A password never stands
 * in it: addresses are shown in logs, process lists and settings pages.
 *
 * TLS: `sslmode=verify-full` is the default for anything that is not this machine, `sslmode=disable` must be written; there is
 * no mode that encrypts without verifying. `sslrootcert=FILE` names the CA. `host=/folder` is a unix socket.
 */
export interface PostgresAddress {
  host: string;
  port: number;
  database: string;
  user: string;
  /** Verify the server's certificate and name. */
  tls: boolean;
  /** PEM file of the CA; null for the system's. */
  caFile: string | null;
}

const KNOWN = new Set(['sslmode', 'sslrootcert', 'host']);
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\/.*)$/;

/** Read an address. Throws a RangeError that says what is wrong and never repeats the text. */
export function parsePostgresUrl(text: string): PostgresAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new RangeError('is no URL; write postgres://user@host:5432/database');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw new RangeError('is no PostgreSQL URL; write postgres://user@host:5432/database');
  if (url.password !== '')
    throw new RangeError(
      'holds a password; put it into the first line of a file and name that, or into PGPASSWORD',
    );
  for (const key of url.searchParams.keys())
    if (!KNOWN.has(key))
      throw new RangeError(`has the parameter ${JSON.stringify(key)}, which is not known here`);
  const host = url.searchParams.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1');
  const database = decodeURIComponent(url.pathname.slice(1));
  const user = decodeURIComponent(url.username);
  if (host === '') throw new RangeError('names no host; write postgres://user@host:5432/database');
  if (database === '' || database.includes('/')) throw new RangeError('names no database');
  if (user === '') throw new RangeError('names no user');
  const mode = url.searchParams.get('sslmode') ?? (LOOPBACK.test(host) ? 'disable' : 'verify-full');
  if (mode !== 'disable' && mode !== 'verify-full')
    throw new RangeError(
      'has an sslmode that is not verify-full or disable; TLS without verifying is no protection',
    );
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    database,
    user,
    tls: mode === 'verify-full',
    caFile: url.searchParams.get('sslrootcert'),
  };
}
