/**
 * `sightglass hello decode`: the facts of a ClientHello from raw client bytes on standard input, for scripts, corpora
 * and the question "what does this client really send". Reads bytes and prints; it opens no connection.
 *
 * The JSON fields are a contract with scripts (DESIGN §10): fields may be added, none may change its meaning.
 */
import type { Readable, Writable } from 'node:stream';
import { Command } from 'commander';
import { helloFacts, readHelloMessage } from '../wire/client-hello.ts';
import { ja3Text } from '../wire/ja3.ts';
import { ja4Raw } from '../wire/ja4.ts';
import { sniff, type Sniffed } from '../wire/sniff.ts';
import { cipherName, groupName } from '../wire/tls-names.ts';

/** More than any hello that could be read; the rest of the input is not looked at. */
const MAX_INPUT = 1024 * 1024;

/** What `hello decode --json` prints. Everything from a hello is null or empty when the outcome is another one. */
export interface DecodedHello {
  outcome: 'hello' | 'need-more' | 'not-tls' | 'malformed';
  /** Canonical server name, or null. */
  sni: string | null;
  /** As sent, one character for each byte. */
  rawSni: string | null;
  alpn: string[];
  versions: string[];
  ech: 'none' | 'grease-or-real' | 'inner' | null;
  ja3: string | null;
  ja4: string | null;
  /** Why it is no hello; null when it is one. */
  reason: string | null;
  /** What the first bytes look like. */
  looksLike: Sniffed;
  /** Bytes of the handshake message; null without one. */
  size: number | null;
  ciphers: number[];
  groups: number[];
  grease: boolean | null;
  /** The texts behind the two fingerprints. */
  ja3Text: string | null;
  ja4Raw: string | null;
}

/** Decode all bytes that a client sent first. Pure. */
export function decodeHello(bytes: Buffer): DecodedHello {
  const result = readHelloMessage(bytes);
  const looksLike = sniff(bytes);
  if (result.outcome === 'hello') {
    const facts = helloFacts(result.fields, result.size);
    return {
      outcome: 'hello',
      sni: facts.sni,
      rawSni: facts.rawSni,
      alpn: facts.alpn,
      versions: facts.versions,
      ech: facts.ech,
      ja3: facts.ja3,
      ja4: facts.ja4,
      reason: null,
      looksLike,
      size: facts.size,
      ciphers: facts.ciphers,
      groups: facts.groups,
      grease: facts.grease,
      ja3Text: ja3Text(result.fields),
      ja4Raw: ja4Raw(result.fields),
    };
  }
  return {
    outcome: result.outcome,
    sni: null,
    rawSni: null,
    alpn: [],
    versions: [],
    ech: null,
    ja3: null,
    ja4: null,
    reason:
      result.outcome === 'need-more'
        ? `the hello is not complete after ${bytes.length} bytes`
        : result.reason,
    looksLike,
    size: null,
    ciphers: [],
    groups: [],
    grease: null,
    ja3Text: null,
    ja4Raw: null,
  };
}

/** The verb for main.ts. Exit code 0 for a hello, 1 for anything else. */
export function helloCommand(): Command {
  const hello = new Command('hello').description('look at TLS ClientHello messages');
  hello
    .command('decode')
    .description('print the facts of the ClientHello in the raw client bytes on standard input')
    .option('--json', 'print one JSON object')
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      '\nExit code 0 when the bytes hold a whole ClientHello, 1 otherwise.\n\n' +
        'Example: record what a client sends, then read it\n' +
        '  nc -l -p 4433 > client.bin &  curl -k https://127.0.0.1:4433/ ;  sightglass hello decode < client.bin\n',
    )
    .action(async (options: { json?: boolean }) => {
      if (process.stdin.isTTY) {
        process.stderr.write(
          'error: hello decode reads raw bytes from standard input\nhint: sightglass hello decode < client.bin\n',
        );
        process.exitCode = 2;
        return;
      }
      process.exitCode = await decodeStream(process.stdin, process.stdout, options.json === true);
    });
  return hello;
}

/** Reads `input` to its end (or to the bound), writes the answer, resolves with the exit code. */
export async function decodeStream(input: Readable, output: Writable, json: boolean): Promise<number> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    if (size >= MAX_INPUT) break;
  }
  const decoded = decodeHello(Buffer.concat(chunks));
  output.write(json ? `${JSON.stringify(decoded)}\n` : helloText(decoded));
  return decoded.outcome === 'hello' ? 0 : 1;
}

const WHAT: Record<DecodedHello['outcome'], string> = {
  hello: 'ClientHello',
  'need-more': 'Incomplete ClientHello',
  'not-tls': 'Not TLS',
  malformed: 'Malformed ClientHello',
};

const LOOKS: Record<Sniffed, string> = {
  tls: 'TLS',
  http: 'plain HTTP',
  socks5: 'SOCKS5',
  'proxy-protocol': 'PROXY protocol',
  ssh: 'SSH',
  unknown: 'nothing known',
  'need-more': 'too little to tell',
};

const ECH = {
  none: 'no',
  'grease-or-real': 'extension present (browsers send it as GREASE too, so it proves nothing)',
  inner: 'inner form, which must never be seen on the wire',
};

function helloText(d: DecodedHello): string {
  const lines: string[] = [];
  const line = (label: string, value: string): void => void lines.push(`  ${label.padEnd(12)} ${value}`);
  lines.push(d.size === null ? WHAT[d.outcome] : `${WHAT[d.outcome]}, ${d.size} bytes`);
  if (d.reason !== null) line('reason', d.reason);
  if (d.outcome !== 'hello') line('looks like', LOOKS[d.looksLike]);
  else {
    line('server name', serverNameText(d));
    line('protocols', d.alpn.length === 0 ? 'none offered (no ALPN)' : d.alpn.map(printable).join(', '));
    line('versions', d.versions.join(', '));
    line('ECH', ECH[d.ech ?? 'none']);
    line('GREASE', d.grease === true ? 'yes' : 'no');
    line('JA4', d.ja4 ?? '');
    line('JA3', d.ja3 ?? '');
    line('groups', d.groups.map(groupName).join(', ') || 'none offered');
    d.ciphers.forEach((id, i) => line(i === 0 ? `ciphers (${d.ciphers.length})` : '', cipherName(id)));
  }
  return `${lines.join('\n')}\n`;
}

function serverNameText(d: DecodedHello): string {
  if (d.rawSni === null) return 'none sent';
  if (d.sni === null) return `none: the client put the IP address ${printable(d.rawSni)} there`;
  return d.sni === d.rawSni ? d.sni : `${d.sni} (sent as ${printable(d.rawSni)})`;
}

/** Client bytes on a terminal: nothing but visible ASCII gets through. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
