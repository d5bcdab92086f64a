/** `sightglass audit key`: the public key that checkpoints, seals and exports are verified with. Never the private one. */
import { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { auditKeyDir, readAuditPublicKey } from '../../../ca/audit-key.ts';
import { jsonLine } from '../../audit/export/lines.ts';
import { keyIdOf } from '../../audit/statement.ts';
import { loadSettings } from '../../settings/load.ts';
import { addSettingsFlags } from '../settings-flags.ts';
import { UsageError } from '../usage-error.ts';

export function keyCommand(): Command {
  const command = new Command('key')
    .description('Print the public key of the audit (PEM), to be kept where the records are judged.')
    .option('--out <FILE>', 'write it to a file')
    .option('--fingerprint', 'print only its SHA-256, which signed statements name')
    .option('--json', 'print both as JSON')
    .allowExcessArguments(false);
  const input = addSettingsFlags(command, ['data-dir']);
  return command.action((options: { out?: string; fingerprint?: boolean; json?: boolean }) => {
    const own = readAuditPublicKey(auditKeyDir(loadSettings(input())['data-dir']));
    if (own === null)
      throw new UsageError(
        'There is no audit key yet.',
        'It is made when `sightglass start` runs on this data directory for the first time.',
        1,
      );
    const id = keyIdOf(own.publicKey);
    if (options.out !== undefined) writeFileSync(options.out, own.publicPem, { mode: 0o644 });
    if (options.json === true) console.log(jsonLine({ key: id, publicKey: own.publicPem }));
    else if (options.fingerprint === true) console.log(id);
    else if (options.out === undefined) console.log(own.publicPem.trimEnd());
  });
}
