/**
 * The kinds of value a setting can hold: how its text is read, what is refused and how it is shown again.
 * A kind is pure except for the path kinds, which look at the disk because "the file is not there" must be said before
 * anything starts. Nothing here creates, opens or listens.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import { parseAddress, addressText, parseNetwork } from '../core/network.ts';
import type { Network } from '../core/network.ts';

/** Where relative paths start, and where `~` leads. */
export interface ReadContext {
  /** Folder against which relative paths are read: the working folder, or the folder of the settings file. */
  base: string;
  home: string | null;
}

/** One kind of value. `read` returns the value or throws a RangeError whose message completes "NAME: …". */
export interface Kind<T> {
  /** Shown in help and tables: `HOST:PORT`, `DURATION`, … */
  readonly label: string;
  readonly read: (text: string, context: ReadContext) => T;
  /** Text that `read` accepts again; for the console's settings page and for error messages. */
  show(value: T): string;
  /** False when a comma may be part of one value, so that flags and files never split it. */
  readonly commas: boolean;
}

/** An address to listen at. `host` is an IP literal without brackets, or `localhost`. Port 0 picks a free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A fixed answer for one name, as curl's `--resolve` gives it. */
export interface StaticName {
  /** Canonical host name. */
  readonly name: string;
  /** Canonical address text. */
  readonly address: string;
}

export const refuse = (why: string): never => {
  throw new RangeError(why);
};
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}…` : text);

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A length of time with its unit (`250ms`, `10s`, `5m`, `1h`, `30d`), as milliseconds. A bare number is refused. */
export function duration(min: number, max: number): Kind<number> {
  return {
    label: 'DURATION',
    commas: true,
    read: text => {
      const m = /^(\d{1,9}(?:\.\d{1,3})?) ?([a-z]*)$/i.exec(text);
      const unit = m?.[2] ?? '';
      const scale = DURATION_UNITS[unit];
      if (m === null) return refuse(`${quote(text)} is no duration; write a number and a unit, such as 10s`);
      if (unit === '') return refuse(`${quote(text)} has no unit; write ${text}s or ${text}ms`);
      if (scale === undefined) return refuse(`${quote(unit)} is no unit of time; use ms, s, m, h or d`);
      const ms = Number(m[1]) * scale;
      if (ms < min || ms > max)
        return refuse(`${text} is out of range; from ${showDuration(min)} to ${showDuration(max)}`);
      return ms;
    },
    show: showDuration,
  };
}

function showDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const scale = DURATION_UNITS[unit] ?? 1;
    if (ms >= scale && ms % scale === 0) return `${ms / scale}${unit}`;
  }
  return `${ms}ms`;
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** An amount of bytes: `256KiB` (1024-based), `2GB` (1000-based), or a bare number of bytes. */
export function size(min: number, max: number): Kind<number> {
  return {
    label: 'SIZE',
    commas: true,
    read: text => {
      const m = /^(\d{1,15}(?:\.\d{1,3})?) ?([a-z]*)$/i.exec(text);
      const scale = SIZE_UNITS[(m?.[2] ?? '').toLowerCase()];
      if (m === null) return refuse(`${quote(text)} is no size; write a number and a unit, such as 64KiB`);
      if (scale === undefined)
        return refuse(`${quote(m[2] ?? '')} is no unit of size; use B, KiB, MiB, GiB, TiB, kB, MB, GB or TB`);
      const bytes = Number(m[1]) * scale;
      if (!Number.isInteger(bytes)) return refuse(`${text} is no whole number of bytes`);
      if (bytes < min || bytes > max)
        return refuse(`${text} is out of range; from ${showSize(min)} to ${showSize(max)}`);
      return bytes;
    },
    show: showSize,
  };
}

function showSize(bytes: number): string {
  for (const [unit, power] of [
    ['TiB', 40],
    ['GiB', 30],
    ['MiB', 20],
    ['KiB', 10],
  ] as const)
    if (bytes >= 2 ** power && bytes % 2 ** power === 0) return `${bytes / 2 ** power}${unit}`;
  return `${bytes}B`;
}

/** A whole number within bounds. */
export function count(min: number, max: number): Kind<number> {
  return {
    label: 'NUMBER',
    commas: true,
    read: text => {
      if (!/^\d{1,12}$/.test(text)) return refuse(`${quote(text)} is no whole number`);
      const n = Number(text);
      if (n < min || n > max) return refuse(`${text} is out of range; from ${min} to ${max}`);
      return n;
    },
    show: String,
  };
}

/** One word of a closed list. */
export function choice<const W extends string>(...words: readonly W[]): Kind<W> {
  return {
    label: words.join('|'),
    commas: true,
    read: text => words.find(w => w === text) ?? refuse(`${quote(text)} is not one of ${words.join(', ')}`),
    show: String,
  };
}

/** Free text on one line without control characters. */
export function text(label: string, maxLength: number): Kind<string> {
  return {
    label,
    commas: false,
    read: value => {
      if (/[\u0000-\u001f\u007f]/.test(value)) return refuse('control characters are not allowed');
      if (value.length > maxLength) return refuse(`longer than ${maxLength} characters`);
      return value;
    },
    show: String,
  };
}

/** An http or https address without path, user name, query or fragment; read in its canonical form without a slash at the end. */
export const webUrl: Kind<string> = {
  label: 'URL',
  commas: true,
  read: value => {
    let url: URL;
    try {
      url = new URL(value);
    } catch {
      return refuse(`${quote(value)} is no URL; write http://host:port`);
    }
    const bare = url.pathname === '/' && url.username === '' && url.search === '' && url.hash === '';
    if (!/^https?:$/.test(url.protocol) || !bare)
      return refuse(`${quote(value)} must be http://host:port or https://host:port and nothing more`);
    return url.origin;
  },
  show: String,
};

/** A parameter name of a query string, compared without case. */
export function word(label: string): Kind<string> {
  return {
    label,
    commas: true,
    read: value =>
      /^[A-Za-z0-9_.~-]{1,64}$/.test(value)
        ? value.toLowerCase()
        : refuse(`${quote(value)} is no plain word (letters, digits, . _ ~ -)`),
    show: String,
  };
}

/** An address to listen at. Names other than localhost are refused: they may move, a listener must not. */
export const hostPort: Kind<HostPort> = {
  label: 'HOST:PORT',
  commas: true,
  read: value => {
    const whole = value.startsWith(':') ? `[::]${value}` : value;
    const split = splitHostPort(whole, null);
    if (split === null)
      return refuse(
        `${quote(value)} is no address to listen at; write HOST:PORT such as 127.0.0.1:8080 or [::]:8080`,
      );
    const host = canonicalHost(split.host);
    if (host.kind === 'ip') return { host: host.name, port: split.port };
    if (host.kind === 'name' && host.name === 'localhost') return { host: 'localhost', port: split.port };
    return refuse(
      `${quote(split.host)} is no address of this machine; write an IP address or localhost` +
        (host.kind === 'invalid' ? ` (${host.reason})` : ''),
    );
  },
  show: ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
};

/** A host name, canonical. */
export const hostName: Kind<string> = {
  label: 'NAME',
  commas: true,
  read: value => {
    const host = canonicalHost(value);
    return host.kind === 'invalid' ? refuse(`${quote(value)} is no host name (${host.reason})`) : host.name;
  },
  show: String,
};

/** Where clients reach a proxy: any host name or address with a port, as `host:port`. */
export const proxyPlace: Kind<string> = {
  label: 'HOST:PORT',
  commas: true,
  read: value => {
    const split = splitHostPort(value, null);
    const host = split === null ? null : canonicalHost(split.host);
    if (split === null || split.port === 0 || host === null || host.kind === 'invalid')
      return refuse(
        `${quote(value)} is no address of a proxy; write HOST:PORT such as proxy.example.com:8080`,
      );
    return `${host.name.includes(':') ? `[${host.name}]` : host.name}:${split.port}`;
  },
  show: String,
};

/** A network in CIDR form or one address. */
export const network: Kind<Network> = {
  label: 'NETWORK',
  commas: true,
  read: value => {
    const net = parseNetwork(value);
    if (net !== null) return net;
    const slash = value.indexOf('/');
    if (slash > 0 && parseAddress(value.slice(0, slash)) !== null)
      return refuse(`${quote(value)} has a bad prefix length or bits set behind it`);
    return refuse(`${quote(value)} is no network; write 10.0.0.0/8, fd00::/8 or one address`);
  },
  show: ([address, length]) => `${addressText(address.toString())}/${length}`,
};

/** A TCP port that CONNECT may name, or the word `any`. */
export const portOrAny: Kind<number | 'any'> = {
  label: 'PORT|any',
  commas: true,
  read: value => {
    if (value === 'any') return 'any';
    const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    return port >= 1 && port <= 65535 ? port : refuse(`${quote(value)} is no port; write 1 to 65535, or any`);
  },
  show: String,
};

/** `NAME=ADDRESS`. */
export const staticName: Kind<StaticName> = {
  label: 'NAME=ADDRESS',
  commas: true,
  read: value => {
    const [left = '', right = '', ...rest] = value.split('=');
    const host = canonicalHost(left);
    const address = parseAddress(right.replace(/^\[(.*)\]$/, '$1'));
    if (rest.length > 0 || host.kind !== 'name' || address === null)
      return refuse(
        `${quote(value)} is no fixed answer; write NAME=ADDRESS such as git.example.com=10.1.2.3`,
      );
    return { name: host.name, address: addressText(address.toString()) };
  },
  show: ({ name, address }) => `${name}=${address}`,
};

/** A regular file that can be read. */
export const readableFile: Kind<string> = {
  label: 'FILE',
  commas: false,
  read: (value, context) => {
    const path = absolute(value, context);
    try {
      if (!statSync(path).isFile()) return refuse(`${path} is no regular file`);
      accessSync(path, constants.R_OK);
    } catch (error) {
      return refuse(pathTrouble(path, error));
    }
    return path;
  },
  show: String,
};

/** A file that may be created: its folder must exist. The file itself, if there, must be readable. */
export const creatableFile: Kind<string> = {
  label: 'FILE',
  commas: false,
  read: (value, context) => {
    const path = absolute(value, context);
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) {
        if (!statSync(dirname(path)).isDirectory()) return refuse(`${dirname(path)} is no folder`);
      } else if (!stat.isFile()) return refuse(`${path} is no regular file`);
      else accessSync(path, constants.R_OK);
    } catch (error) {
      return refuse(pathTrouble(path, error));
    }
    return path;
  },
  show: String,
};

/** A folder that can be looked into. */
export const readableFolder: Kind<string> = {
  label: 'DIR',
  commas: false,
  read: (value, context) => {
    const path = absolute(value, context);
    try {
      if (!statSync(path).isDirectory()) return refuse(`${path} is no folder`);
      accessSync(path, constants.R_OK | constants.X_OK);
    } catch (error) {
      return refuse(pathTrouble(path, error));
    }
    return path;
  },
  show: String,
};

/** A folder we may write to, or one whose nearest existing parent lets us create it. */
export const writableFolder: Kind<string> = {
  label: 'DIR',
  commas: false,
  read: (value, context) => {
    const path = absolute(value, context);
    for (let at = path; ; at = dirname(at)) {
      try {
        const stat = statSync(at, { throwIfNoEntry: false });
        if (stat === undefined) {
          if (dirname(at) === at) return refuse(`${path} cannot be created`);
          continue;
        }
        if (!stat.isDirectory()) return refuse(`${at} is no folder`);
        accessSync(at, constants.W_OK | constants.X_OK);
        return path;
      } catch (error) {
        return refuse(pathTrouble(at, error));
      }
    }
  },
  show: String,
};

function absolute(value: string, context: ReadContext): string {
  if (value === '') return refuse('the path is empty');
  if (value.includes('\0')) return refuse('the path holds a NUL byte');
  if (value === '~' || value.startsWith('~/'))
    return context.home === null
      ? refuse('~ is used but HOME is not set')
      : join(context.home, value.slice(1));
  return isAbsolute(value) ? resolve(value) : resolve(context.base, value);
}

function pathTrouble(path: string, error: unknown): string {
  if (error instanceof RangeError) return error.message;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return `${path} does not exist`;
  if (code === 'EACCES' || code === 'EPERM') return `${path} may not be accessed by this user`;
  if (code === 'EROFS') return `${path} lies on a read-only file system`;
  if (code === 'ENOTDIR') return `${path} leads through something that is no folder`;
  return `${path} cannot be used (${code ?? String(error)})`;
}
