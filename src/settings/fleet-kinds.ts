/** Kinds of value that only a fleet's settings have: stores, collectors, names of proxies. Pure. */
import { parsePostgresUrl } from '../core/postgres-address.ts';
import { quote, refuse } from './kinds.ts';
import type { Kind } from './kinds.ts';

/** Where records go: day files, nowhere on this machine, or a PostgreSQL, whose address never holds a password. */
export const recordStore: Kind<string> = {
  label: 'sqlite|none|URL',
  commas: false,
  read: value => {
    if (value === 'sqlite' || value === 'none') return value;
    return postgresUrl.read(value, { base: '', home: null });
  },
  show: String,
};

/** Address of a PostgreSQL database. */
export const postgresUrl: Kind<string> = {
  label: 'URL',
  commas: false,
  read: value => {
    try {
      parsePostgresUrl(value);
    } catch (error) {
      // The text itself is not repeated: it may hold a password.
      return refuse(`the address ${error instanceof Error ? error.message : 'cannot be read'}`);
    }
    return value;
  },
  show: String,
};

/** `https://host:port` without anything behind it. */
export const httpsUrl: Kind<string> = {
  label: 'URL',
  commas: false,
  read: value => {
    let url: URL | null = null;
    try {
      url = new URL(value);
    } catch {
      // Told below.
    }
    if (url?.protocol !== 'https:' || url.username !== '' || url.pathname !== '/' || url.search !== '')
      return refuse(`${quote(value)} is no collector; write https://HOST:PORT`);
    return url.origin;
  },
  show: String,
};

/** Name of a proxy in a fleet: the common name of its certificate. */
export const proxyName: Kind<string> = {
  label: 'NAME',
  commas: true,
  read: value =>
    /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/.test(value)
      ? value
      : refuse(
          `${quote(value)} is no name of a proxy (lower-case letters, digits, dots and dashes, at most 63)`,
        ),
  show: String,
};
