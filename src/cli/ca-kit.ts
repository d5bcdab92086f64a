/**
 * `sightglass ca kit`: the files that make other machines trust the authority and use the proxy, as a folder or a zip. Reads
 * certificates only; neither a running service nor the passphrase is needed. Nothing that exists is written over.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { Command, Option } from 'commander';
import { buildKit } from '../../ca/kits/kit.ts';
import { fixedProxy, pacProxy } from '../../ca/kits/plan.ts';
import type { KitFile, KitRoot, ProxyChoice } from '../../ca/kits/plan.ts';
import { zipKit } from '../../ca/kits/zip.ts';
import { deployableRoots } from '../../ca/roots.ts';
import { loadSettings } from '../settings/load.ts';
import { addSettingsFlags } from './settings-flags.ts';
import { UsageError } from './usage-error.ts';

interface KitCommandOptions {
  out?: string;
  zip?: string;
  proxy?: string;
  bypass: string[];
  pac?: string;
  root: string[];
  retire: string[];
  json?: boolean;
}

export function kitCommand(): Command {
  const each = (value: string, all: string[]): string[] => [...all, value];
  const command = new Command('kit')
    .description('Make a deployment kit: group policy, scripts, profiles and guides for every platform.')
    .option('--out <DIR>', 'folder to write it to; it must not exist or be empty')
    .option('--zip <FILE>', 'zip file to write it to; it must not exist')
    .addOption(new Option('--proxy <HOST:PORT>', 'proxy that clients shall use').conflicts('pac'))
    .option(
      '--bypass <NAME>',
      'name reached beside the proxy, such as *.intra.example.com. Repeatable.',
      each,
      [],
    )
    .option('--pac <URL>', 'automatic configuration that clients shall use')
    .option(
      '--root <FILE>',
      'root certificate to deploy (PEM or DER) instead of those of this authority. Repeatable.',
      each,
      [],
    )
    .option(
      '--retire <FILE>',
      'root certificate that clients shall stop trusting, beside those this authority gave up. Repeatable.',
      each,
      [],
    )
    .option('--json', 'say as JSON what was written')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir']);
  return command.action((options: KitCommandOptions) => {
    if (options.out === undefined && options.zip === undefined)
      throw new UsageError('Where to?', 'Name a folder with --out DIR or a file with --zip FILE.');
    if (options.bypass.length > 0 && options.proxy === undefined)
      throw new UsageError('--bypass goes with --proxy', 'A PAC file says itself what goes past the proxy.');
    const own =
      options.root.length > 0 ? null : deployableRoots(join(loadSettings(input())['data-dir'], 'ca'));
    const roots: KitRoot[] =
      own?.roots ?? options.root.map(path => ({ certificate: readRoot(path), role: 'current' }));
    const files = buildKit({
      roots,
      retired: [...(own?.retired ?? []), ...options.retire.map(readRoot)],
      proxy: proxyOf(options),
      time: Date.now(),
    });
    const written: Record<string, string> = {};
    if (options.out !== undefined) {
      written['folder'] = resolve(options.out);
      writeFolder(written['folder'], files);
    }
    if (options.zip !== undefined) {
      written['zip'] = resolve(options.zip);
      writeNew(written['zip'], Buffer.from(zipKit(files)), 0o644);
    }
    report(options, written, files, roots.length);
  });
}

function proxyOf({ proxy, bypass, pac }: KitCommandOptions): ProxyChoice | null {
  if (proxy !== undefined) return fixedProxy(proxy, bypass);
  return pac === undefined ? null : pacProxy(pac);
}

function report(
  options: KitCommandOptions,
  written: Record<string, string>,
  files: readonly KitFile[],
  roots: number,
): void {
  if (options.json === true) {
    console.log(JSON.stringify({ ...written, files: files.map(file => file.path) }, null, 2));
    return;
  }
  const places = Object.values(written).join(' and ');
  console.log(`Wrote ${files.length} files for ${roots} ${roots === 1 ? 'root' : 'roots'} to ${places}.`);
  if (options.proxy === undefined && options.pac === undefined)
    console.log('The kit deploys trust only. To set a proxy too: --proxy HOST:PORT or --pac URL.');
  console.log('Begin with its README.md.');
}

/** DER of the first certificate in a file. */
function readRoot(path: string): Buffer {
  let data: Buffer;
  try {
    data = readFileSync(resolve(path));
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${codeOf(error)})`, 'Name a file with a certificate.', 1);
  }
  try {
    return new X509Certificate(data).raw;
  } catch {
    throw new UsageError(`${path} holds no certificate`, 'Give it as PEM or DER.', 1);
  }
}

function writeFolder(dir: string, files: readonly KitFile[]): void {
  let there: string[];
  try {
    mkdirSync(dir, { recursive: true });
    there = readdirSync(dir);
  } catch (error) {
    throw new UsageError(`${dir} cannot be made (${codeOf(error)})`, 'Choose another folder.', 1);
  }
  if (there.length > 0)
    throw new UsageError(`${dir} is not empty`, 'Choose another folder, or move the old kit away.', 1);
  for (const { path, data, executable } of files) {
    const full = join(dir, path);
    mkdirSync(dirname(full), { recursive: true });
    writeNew(full, data, executable === true ? 0o755 : 0o644);
  }
}

/** Create, never replace. */
function writeNew(path: string, data: Buffer, mode: number): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  } catch (error) {
    const code = codeOf(error);
    throw code === 'EEXIST'
      ? new UsageError(`${path} exists already`, 'Choose another name, or move it away.', 1)
      : new UsageError(`${path} cannot be written (${code})`, 'Check the folder and its owner.', 1);
  }
  try {
    for (let offset = 0; offset < data.length;) offset += writeSync(fd, data, offset);
  } catch (error) {
    rmSync(path, { force: true });
    throw new UsageError(`${path} cannot be written (${codeOf(error)})`, 'Is the disk full?', 1);
  } finally {
    closeSync(fd);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unexpected error';
