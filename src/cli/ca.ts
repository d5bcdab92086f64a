/**
 * `sightglass ca`: make, show and export the authority. Works on the data directory alone, with or without a running
 * proxy. `show` and `export` of the certificate need no passphrase; no verb prints or writes a key in plaintext.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { describeAuthority, openAuthority, unlockAuthority } from '../../ca/authority.ts';
import type { AuthorityDescription } from '../../ca/authority.ts';
import { EXPORT_FORMATS, exportCertificate, exportWithKey } from '../../ca/export.ts';
import type { ExportFormat } from '../../ca/export.ts';
import { describeLife } from '../../ca/life.ts';
import type { AuthorityLife, CertificateFacts } from '../../ca/life.ts';
import { readPassphrase } from '../../ca/passphrase.ts';
import { kitCommand } from './ca-kit.ts';
import { importCommand, requestCommand, rotateCommand } from './ca-life.ts';
import { measureTrust, uptakeCommand } from './ca-uptake.ts';
import { placeOf } from './ca-place.ts';
import { UsageError } from './usage-error.ts';

export function caCommand(): Command {
  return new Command('ca')
    .description('The certificate authority: make it, show it, export it, deploy it.')
    .addCommand(initCommand())
    .addCommand(showCommand())
    .addCommand(exportCommand())
    .addCommand(kitCommand())
    .addCommand(rotateCommand(measureTrust))
    .addCommand(uptakeCommand())
    .addCommand(requestCommand())
    .addCommand(importCommand());
}

function initCommand(): Command {
  const command = new Command('init')
    .description('Make the authority if there is none. One that exists is left as it is and shown.')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const place = placeOf(command);
  return command.action((options: { json?: boolean }) => {
    const { dir, passphrase } = place();
    const authority = openAuthority({ dir, passphrase: passphrase() });
    if (options.json === true) printJson({ created: authority.created, ...authority.describe() });
    else {
      console.log(
        authority.created ? 'Made a new authority.' : 'There is an authority already; nothing was changed.',
      );
      console.log(asText(authority.describe()));
    }
  });
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Show the authority and check its files. Needs no passphrase.')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const place = placeOf(command);
  return command.action((options: { json?: boolean }) => {
    const { dir } = place();
    const { certificate: _, ...description } = describeAuthority(dir);
    const life = describeLife(dir);
    if (options.json === true) printJson({ ...description, life });
    else console.log([asText(description), ...lifeText(life)].join('\n'));
  });
}

interface ExportOptions {
  format: ExportFormat;
  out: string;
  force?: boolean;
  withKey?: boolean;
  p12PassphraseFile?: string;
}

function exportCommand(): Command {
  const command = new Command('export')
    .description('Write the certificate of the authority for clients to trust.')
    .addOption(
      new Option('--format <FORMAT>', 'form of the file').choices(EXPORT_FORMATS).makeOptionMandatory(),
    )
    .option('--out <FILE>', 'where to write it; - is standard output', '-')
    .option('--force', 'replace FILE if it exists')
    .option('--p12-passphrase-file <FILE>', 'file whose first line protects the PKCS#12')
    .option('--with-key', 'include the private key, encrypted (p12 only; needs --p12-passphrase-file)')
    .allowExcessArguments(false);
  const place = placeOf(command);
  return command.action((options: ExportOptions) => {
    const { dir, passphrase } = place();
    checkUsage(options);
    const protection =
      options.p12PassphraseFile === undefined ? '' : readPassphrase(resolve(options.p12PassphraseFile));
    let data: Buffer;
    if (options.withKey === true) {
      const { key, certificate } = unlockAuthority(dir, passphrase());
      data = exportWithKey(certificate, key, protection);
    } else {
      data = exportCertificate(describeAuthority(dir).certificate, options.format, protection);
    }
    if (options.out === '-') process.stdout.write(data);
    else
      writeOut(resolve(options.out), data, options.withKey === true ? 0o600 : 0o644, options.force === true);
  });
}

function checkUsage(options: ExportOptions): void {
  if (options.withKey === true && options.format !== 'p12')
    throw new UsageError('--with-key goes with --format p12 only', 'A key is never written in plaintext.');
  if (options.withKey === true && options.p12PassphraseFile === undefined)
    throw new UsageError(
      '--with-key needs --p12-passphrase-file',
      'Make one: (umask 077; openssl rand -base64 24 > FILE)',
    );
  if (options.p12PassphraseFile !== undefined && options.format !== 'p12')
    throw new UsageError('--p12-passphrase-file goes with --format p12 only', 'Leave it out.');
  if (options.out === '-' && options.format !== 'pem' && process.stdout.isTTY)
    throw new UsageError(
      `${options.format} is binary and standard output is a terminal`,
      'Name a file with --out FILE, or pipe it.',
    );
}

/** Write a file whole or not at all; refuse to replace one unless told to. */
function writeOut(path: string, data: Buffer, mode: number, force: boolean): void {
  const target = force ? `${path}.${process.pid}.new` : path;
  let fd: number | null = null;
  try {
    fd = openSync(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    fchmodSync(fd, mode);
    for (let offset = 0; offset < data.length;) offset += writeSync(fd, data, offset);
    fsyncSync(fd);
    if (force) renameSync(target, path);
  } catch (error) {
    if (fd !== null) rmSync(target, { force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' && fd === null)
      throw new UsageError(`${target} exists already`, 'Choose another name, or replace it with --force.', 1);
    throw new UsageError(`${path} cannot be written (${code})`, 'Check the folder and its owner.', 1);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

const printJson = (value: object): void => console.log(JSON.stringify(value, null, 2));

function asText(d: AuthorityDescription): string {
  const colons = (hex: string): string => (hex.toUpperCase().match(/../g) ?? []).join(':');
  const rows: [string, string][] = [
    ['subject', d.subject],
    ...(d.issuer === d.subject ? [] : ([['issuer', d.issuer]] as [string, string][])),
    ['serial', d.serial],
    ['valid', `${d.notBefore} to ${d.notAfter}`],
    [
      'key',
      `${d.keyAlgorithm}, ${d.encrypted ? 'encrypted with a passphrase' : 'not encrypted (protected by file mode)'}`,
    ],
    ['key id', colons(d.keyId)],
    ['SHA-256', colons(d.sha256)],
    ['SHA-1', colons(d.sha1)],
    ['certificate', d.certificateFile],
    ['key file', d.keyFile],
  ];
  return rows.map(([label, value]) => `${label.padEnd(12)} ${value}`).join('\n');
}

const STATES: Readonly<Record<AuthorityLife['state'], string>> = {
  steady: 'steady',
  requested: 'an enterprise CA was asked; bring its answer with sightglass ca import',
  overlap: 'another authority is prepared; deploy both roots, then sightglass ca rotate --switch',
  switched: 'the previous authority still stands; give it up with sightglass ca rotate --finish',
};

/** What there is beside the one that signs: who stands above it, what it may sign, who follows and who went before. */
function lifeText(life: AuthorityLife): string[] {
  const row = (label: string, value: string): string => `${label.padEnd(12)} ${value}`;
  const named = ({ subject, sha256, notAfter }: CertificateFacts): string =>
    `${subject}, until ${notAfter.slice(0, 10)}, SHA-256 ${(sha256.toUpperCase().match(/../g) ?? []).join(':')}`;
  const current = life.chains.find(({ role }) => role === 'current');
  return [
    row('state', STATES[life.state]),
    ...(current?.chain ?? []).slice(1).map(link => row('signed by', named(link))),
    ...life.constraints.permitted.map(text => row('may sign', text)),
    ...life.constraints.excluded.map(text => row('may not sign', text)),
    ...life.chains
      .filter(({ role }) => role !== 'current')
      .flatMap(({ role, chain }) => chain.slice(0, 1).map(link => row(role, named(link)))),
    ...life.retired.map(root => row('given up', named(root))),
  ];
}
