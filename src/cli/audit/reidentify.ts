/**
 * `sightglass audit officer-key` and `sightglass audit reidentify`: the key pair of the data-protection officer, and who stands
 * behind a pseudonym. Only who holds the private half can ask, and every question lands in the trail with its reason before
 * it is answered. Without a pseudonym but with `--name` it tells which pseudonyms a person had, for searching.
 *
 * The private half is read, used and forgotten: it is never kept in the data directory.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { parseQuery } from '../../audit/query/parse.ts';
import { PSEUDONYM_EVENT } from '../../audit/pseudonym.ts';
import { makeOfficerKeys, officerKeyId, officerPrivateKey, openName } from '../../audit/sealed-name.ts';
import type { AuditStore } from '../../audit/store/store.ts';
import { openControlDb } from '../../control/control-db.ts';
import { openAuditStore, STORE_SETTINGS } from '../../control/fleet.ts';
import { PrivacyError } from '../../control/pseudonym-key.ts';
import { Trail } from '../../control/trail.ts';
import { loadSettings } from '../../settings/load.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { UsageError } from '../usage-error.ts';

export function officerKeyCommand(): Command {
  return new Command('officer-key')
    .description('Make the key pair of the data-protection officer; do it on their machine, not here.')
    .requiredOption('--private <FILE>', 'where the private half goes; must not exist')
    .requiredOption('--public <FILE>', 'where the public half goes, for privacy.officer-key; must not exist')
    .option('--passphrase-file <FILE>', 'encrypt the private half with the first line of FILE')
    .allowExcessArguments(false)
    .action((options: { private: string; public: string; passphraseFile?: string }) => {
      const { publicPem, privatePem } = makeOfficerKeys(firstLine(options.passphraseFile));
      writeFileSync(options.private, privatePem, { mode: 0o600, flag: 'wx' });
      writeFileSync(options.public, publicPem, { mode: 0o644, flag: 'wx' });
      console.log(
        `Private half: ${options.private}. Whoever holds it can resolve every pseudonym sealed to it.`,
      );
      console.log(`Public half: ${options.public}, for privacy.officer-key.`);
    });
}

interface Options {
  key: string;
  reason: string;
  name?: string;
  passphraseFile?: string;
  json?: boolean;
}

export function reidentifyCommand(): Command {
  const command = new Command('reidentify')
    .description('Tell who stands behind a pseudonym, or which pseudonyms a name had. Lands in the trail.')
    .argument('[PSEUDONYM]', 'as it stands in the records: p-… or c-…')
    .requiredOption('--key <FILE>', 'private half of the officer key, PEM')
    .requiredOption('--reason <TEXT>', 'why; stands in the trail')
    .option('--name <NAME>', 'tell the pseudonyms of this user or address instead')
    .option('--passphrase-file <FILE>', 'first line of FILE opens the key')
    .option('--json', 'print it as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, STORE_SETTINGS);
  return command.action(async (pseudonym: string | undefined, options: Options) => {
    const { name, reason } = options;
    if ((pseudonym === undefined) === (name === undefined))
      throw new UsageError(
        'Name either a pseudonym or a person.',
        '`reidentify p-…`, or `reidentify --name NAME`.',
      );
    if (reason.trim() === '') throw new UsageError('The reason is empty.', 'Say why: --reason "…".');
    const key = privateKey(options);
    const settings = loadSettings(input());
    const db = openControlDb(settings['data-dir']);
    const store = openAuditStore(settings);
    try {
      // The trail first: nobody learns a name that is not written down.
      new Trail(db).append({
        user: null,
        address: 'command line',
        action: 'privacy.reidentified',
        // The name that is looked for would undo the pseudonym in the trail.
        detail: {
          pseudonym: pseudonym ?? null,
          byName: name !== undefined,
          reason,
          by: systemUser(),
          officer: officerKeyId(key),
        },
      });
      const found = new Map<string, string>();
      for await (const { pseudonym: written, sealed } of sealedNames(store, pseudonym)) {
        if (found.has(written)) continue;
        const opened = openName(sealed, written, key);
        if (opened === null || (name !== undefined && opened !== name)) continue;
        found.set(written, opened);
        if (pseudonym !== undefined) break;
      }
      if (found.size === 0)
        throw new UsageError(
          'No sealed name fits.',
          'It may be sealed to another key, or be older than the records that are kept.',
          1,
        );
      for (const [written, who] of found)
        console.log(
          options.json === true ? JSON.stringify({ pseudonym: written, name: who }) : `${written}  ${who}`,
        );
    } finally {
      await store.close();
      db.close();
    }
  });
}

/** Sealed names of the store, newest first. */
async function* sealedNames(
  store: AuditStore,
  pseudonym: string | undefined,
): AsyncGenerator<{ pseudonym: string; sealed: string }> {
  const words = pseudonym === undefined ? '' : ` "${pseudonym.replace(/["\\]/g, '')}"`;
  const parsed = parseQuery(`event:${PSEUDONYM_EVENT}${words}`, { kind: 'events', now: Date.now() });
  if (!parsed.ok)
    throw new UsageError(`${String(pseudonym)} is no pseudonym.`, 'It looks like p-4k7m2q9x0c5v8b3n.');
  let before: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof store.search<'events'>>> = await store.search(parsed.query, {
      kind: 'events',
      limit: 1000,
      ...(before === null ? {} : { before }),
    });
    for (const { detail } of page.rows) {
      const { pseudonym: written, sealed } = detail;
      if (typeof written !== 'string' || typeof sealed !== 'string') continue;
      if (pseudonym === undefined || written === pseudonym) yield { pseudonym: written, sealed };
    }
    before = page.next;
  } while (before !== null);
}

function privateKey({ key, passphraseFile }: Options) {
  try {
    return officerPrivateKey(readFileSync(key, 'utf8'), firstLine(passphraseFile));
  } catch (error) {
    throw new PrivacyError(
      `${key}: ${error instanceof Error ? error.message : String(error)}.`,
      'Give the private half that `sightglass audit officer-key` made.',
    );
  }
}

function firstLine(file: string | undefined): string | null {
  return file === undefined ? null : (readFileSync(file, 'utf8').split('\n', 1)[0] ?? '').replace(/\r$/, '');
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
