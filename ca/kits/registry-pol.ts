/**
 * `Registry.pol` (MS-GPREG §2.2.1): what a group policy object does to the registry of the machines it applies to.
 * A header, then records `[key;value;type;size;data]` whose punctuation and texts are UTF-16LE. Order counts: Windows
 * applies them from first to last. The hive is not written; it follows from the folder the file lies in.
 *
 * It writes and never reads. Values are at most 65,535 bytes, as the format says; a larger one is a mistake of ours.
 */

export type RegistryData =
  | { type: 'string'; text: string }
  | { type: 'strings'; texts: readonly string[] }
  | { type: 'dword'; number: number }
  | { type: 'binary'; bytes: Buffer }
  /** A record that names a key and sets nothing: GPMC writes them so that the key exists. */
  | { type: 'none' };

export interface RegistryRecord {
  /** Without hive, such as `Software\Policies\Google\Chrome`. */
  key: string;
  /** Empty in a record of type `none`; `**Del.NAME` deletes a value (see `deletion`). */
  name: string;
  data: RegistryData;
}

/** The record that takes a value away again (MS-GPREG §3.2.5.1: the data is one space). */
export const deletion = (key: string, name: string): RegistryRecord => ({
  key,
  name: `**Del.${name}`,
  data: { type: 'string', text: ' ' },
});

const HEADER = Buffer.from('5052656701000000', 'hex');
const TYPES = { none: 0, string: 1, binary: 3, dword: 4, strings: 7 } as const;

const wide = (text: string): Buffer => Buffer.from(text, 'utf16le');

/** The bytes of the file. Throws a RangeError for a text with a NUL or a value that is too long. */
export function registryPol(records: readonly RegistryRecord[]): Buffer {
  return Buffer.concat([HEADER, ...records.map(record)]);
}

function record({ key, name, data }: RegistryRecord): Buffer {
  if (key.includes('\0') || name.includes('\0')) throw new RangeError('a NUL in a registry name');
  const bytes = encodeData(data);
  if (bytes.length > 65_535) throw new RangeError(`the registry value ${name} is too long`);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(TYPES[data.type]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  return Buffer.concat([
    wide('['),
    wide(`${key}\0`),
    wide(';'),
    wide(`${name}\0`),
    wide(';'),
    head,
    wide(';'),
    size,
    wide(';'),
    bytes,
    wide(']'),
  ]);
}

/** The data of a value as the registry holds it: texts with their NUL, numbers little-endian. */
function encodeData(data: RegistryData): Buffer {
  switch (data.type) {
    case 'none':
      return Buffer.alloc(0);
    case 'string':
      return wide(`${data.text}\0`);
    case 'strings':
      return wide(`${data.texts.map(text => `${text}\0`).join('')}\0`);
    case 'dword': {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(data.number);
      return bytes;
    }
    case 'binary':
      return data.bytes;
  }
}
