/**
 * `sightglass ca rotate | csr | import`: another authority is prepared, an enterprise CA is asked, a pair is brought, the
 * signing is switched. Works on the data directory; a running service takes a switch over when it starts again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { describeLife } from '../../ca/life.ts';
import type { AuthorityLife } from '../../ca/life.ts';
import { readPassphrase } from '../../ca/passphrase.ts';
import { readPkcs12 } from '../../ca/pkcs12-read.ts';
import {
  cancelNext,
  finishRotation,
  importAnswer,
  importPair,
  prepareNext,
  requestSignature,
  switchAdvice,
  switchToNext,
} from '../../ca/rotation.ts';
import type { TrustShare } from '../../ca/rotation.ts';
import { STORE_SETTINGS } from '../control/fleet.ts';
import type { StoreSettings } from '../control/fleet.ts';
import { placeOf } from './ca-place.ts';
import { UsageError } from './usage-error.ts';

/** Asks who measured: which share of clients completed handshakes under the root with this SHA-256. Null: nobody did. */
export type MeasureTrust = (records: StoreSettings, rootSha256: string) => Promise<TrustShare | null>;

interface RotateOptions {
  switch?: boolean;
  finish?: boolean;
  cancel?: boolean;
  force?: boolean;
  leastShare: number;
  json?: boolean;
}

export function rotateCommand(measure: MeasureTrust = () => Promise.resolve(null)): Command {
  const command = new Command('rotate')
    .description(
      'Replace the authority without anybody noticing: prepare another one, deploy both roots, switch, give the old one up.',
    )
    .addOption(
      new Option('--switch', 'sign with the prepared authority from the next start on').conflicts([
        'finish',
        'cancel',
      ]),
    )
    .addOption(
      new Option('--finish', 'give the previous authority up; its key is deleted').conflicts(['cancel']),
    )
    .option('--cancel', 'drop the prepared authority or the request; its key is deleted')
    .option(
      '--least-share <PERCENT>',
      'share of clients that must accept the new root before a switch',
      percent,
      95,
    )
    .option('--force', 'switch although too few clients accept the new root, or nobody knows how many')
    .option('--json', 'print where the authority stands then as JSON')
    .allowExcessArguments(false);
  const place = placeOf(command, STORE_SETTINGS);
  return command.action(async (options: RotateOptions) => {
    const { dir, records, passphrase } = place();
    const say = (...lines: string[]): void => {
      if (options.json === true) console.log(JSON.stringify(describeLife(dir), null, 2));
      else for (const line of lines) console.log(line);
    };
    if (options.cancel === true) {
      cancelNext(dir);
      return say('Dropped. Clients that trust its root already forget it by the next kit: sightglass ca kit');
    }
    if (options.finish === true) {
      finishRotation(dir);
      return say(
        'The previous authority is given up and its key deleted.',
        'Take its root from clients: sightglass ca kit --out DIR',
      );
    }
    if (options.switch === true) {
      await refuseEarly(describeLife(dir), options, root => measure(records, root));
      switchToNext({ dir, passphrase: passphrase() });
      return say(
        'Switched. The service signs with the new authority from its next start on: systemctl restart sightglass',
        'When no client needs the old root any more: sightglass ca rotate --finish',
      );
    }
    prepareNext({ dir, passphrase: passphrase() });
    say(
      'Prepared. Nothing has changed for clients yet.',
      'Deploy both roots now: sightglass ca kit --out DIR',
      'Then, when clients have the new one: sightglass ca rotate --switch',
    );
  });
}

/** The switch is the one step that clients would notice. A new root is asked about; the same root above us needs no trust. */
async function refuseEarly(
  life: AuthorityLife,
  options: RotateOptions,
  measure: (root: string) => Promise<TrustShare | null>,
): Promise<void> {
  const root = life.roots.find(({ role }) => role === 'next');
  if (root === undefined || options.force === true) return;
  const advice = switchAdvice(await measure(root.sha256), options.leastShare);
  if (advice !== null)
    throw new UsageError(
      advice,
      'Deploy the kit with both roots and wait; or switch all the same with --force: clients without the new root will see warnings.',
      1,
    );
}

function percent(text: string): number {
  const value = Number(text);
  if (!/^\d{1,3}$/.test(text) || value > 100)
    throw new UsageError(`${text} is no share`, 'Write a whole number of percent from 0 to 100.');
  return value;
}

export function requestCommand(): Command {
  const command = new Command('csr')
    .description(
      'Ask an enterprise CA to sign this authority: make a key and print the request (PKCS#10, PEM).',
    )
    .option('--out <FILE>', 'where to write it; - is standard output', '-')
    .option('--common-name <TEXT>', 'name of the authority in the request')
    .option('--organization <TEXT>', 'organization in the request')
    .allowExcessArguments(false);
  const place = placeOf(command);
  return command.action((options: { out: string; commonName?: string; organization?: string }) => {
    const { dir, passphrase } = place();
    const { request, again } = requestSignature({
      dir,
      passphrase: passphrase(),
      subject: {
        ...(options.commonName === undefined ? {} : { commonName: options.commonName }),
        ...(options.organization === undefined ? {} : { organization: options.organization }),
      },
    });
    if (options.out === '-') process.stdout.write(request);
    else writeRequest(resolve(options.out), request);
    console.error(
      again
        ? 'This is the request that waits for its answer already.'
        : 'Made a key and a request; the key stays here.',
    );
    console.error(
      'Have it signed as a subordinate CA (AD CS: template SubCA), then: sightglass ca import ANSWER CHAIN',
    );
  });
}

function writeRequest(path: string, request: string): void {
  try {
    writeFileSync(path, request, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unexpected error';
    throw new UsageError(
      code === 'EEXIST' ? `${path} exists already` : `${path} cannot be written (${code})`,
      'Choose another name; the request can be written again.',
      1,
    );
  }
}

export function importCommand(): Command {
  const command = new Command('import')
    .description(
      'Bring the certificate that an enterprise CA made of the request, with its chain up to the root; or an authority as PKCS#12.',
    )
    .argument('<FILES...>', 'PEM files with the certificate and its chain, in any order; or one PKCS#12 file')
    .option('--p12-passphrase-file <FILE>', 'file whose first line opens the PKCS#12')
    .option('--json', 'print where the authority stands then as JSON');
  const place = placeOf(command);
  return command.action((files: string[], options: { p12PassphraseFile?: string; json?: boolean }) => {
    const { dir, passphrase } = place();
    const data = files.map(readInput);
    const life = { dir, passphrase: passphrase() };
    const texts = data.map(bytes => bytes.toString('latin1'));
    const isPem = texts.every(text => text.includes('-----BEGIN CERTIFICATE-----'));
    if (!isPem && data.length > 1)
      throw new UsageError(
        'One of the files holds no certificate as PEM',
        'Give PEM files, or one PKCS#12 file alone.',
      );
    const became = isPem
      ? importAnswer(life, texts)
      : importPair(life, pairOf(data[0], options.p12PassphraseFile));
    if (options.json === true) console.log(JSON.stringify({ became, ...describeLife(dir) }, null, 2));
    else
      console.log(
        became === 'current'
          ? 'It is the authority now.'
          : 'It will follow the present authority. Deploy its root if clients lack it, then: sightglass ca rotate --switch',
      );
  });
}

function pairOf(file: Buffer | undefined, passphraseFile: string | undefined): ReturnType<typeof readPkcs12> {
  return readPkcs12(
    file ?? Buffer.alloc(0),
    passphraseFile === undefined ? '' : readPassphrase(resolve(passphraseFile)),
  );
}

function readInput(path: string): Buffer {
  try {
    return readFileSync(resolve(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unexpected error';
    throw new UsageError(`${path} cannot be read (${code})`, 'Check the path and its owner.', 1);
  }
}
