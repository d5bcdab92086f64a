/**
 * What `sightglass search --evidence` does: a line in the trail first, then the bundle, then what is in it. A name that ends in
 * `.zip` gets one file; the folder beside it that it is packed from is gone afterwards, whatever happens.
 */
import fs from 'node:fs';
import path from 'node:path';
import { auditKeyDir, readAuditPublicKey } from '../../../ca/audit-key.ts';
import { makeBundle } from '../../audit/evidence/bundle.ts';
import type { BundleOptions } from '../../audit/evidence/bundle.ts';
import type { Manifest } from '../../audit/evidence/format.ts';
import { writeZip } from '../../audit/evidence/zip.ts';
import { isoTime, visible } from '../../audit/export/lines.ts';
import { auditDir } from '../../audit/recorder.ts';
import { VERSION } from '../../control/version.ts';
import type { Settings } from '../../settings/catalogue.ts';
import { atDesk, ownSigner, person } from './desk.ts';
import { UsageError } from '../usage-error.ts';

type Wanted = Pick<BundleOptions, 'kind' | 'query' | 'since' | 'until' | 'limit' | 'format' | 'out' | 'now'>;

/** Make a bundle. Nothing leaves the house before the trail says so. */
export async function exportEvidence(settings: Settings, wanted: Wanted): Promise<void> {
  const dataDir = settings['data-dir'];
  if (fs.existsSync(wanted.out))
    throw new UsageError(
      `${visible(wanted.out)} is there already.`,
      'Name a new folder or .zip; nothing is overwritten.',
      1,
    );
  const signer = ownSigner(settings);
  const publicPem = readAuditPublicKey(auditKeyDir(dataDir))?.publicPem ?? '';
  const manifest = await atDesk(settings, ({ write }) => {
    write('export.evidence', {
      kind: wanted.kind,
      q: wanted.query.text,
      since: wanted.since === undefined ? null : isoTime(wanted.since),
      until: wanted.until === undefined ? null : isoTime(wanted.until),
      out: path.resolve(wanted.out),
    });
    const by = person().name;
    return packed({ ...wanted, dir: auditDir(dataDir), signer, publicPem, by, version: VERSION });
  });
  console.log(`${manifest.rows} rows with their proofs are in ${visible(wanted.out)}`);
  if (manifest.unsigned > 0)
    console.log(
      `${manifest.unsigned} of them are newer than the last checkpoint; in a minute they can be proven too`,
    );
  if (manifest.unchained > 0)
    console.log(`${manifest.unchained} of them are older than the chain and cannot be proven`);
  console.log(`verify it anywhere: sightglass audit verify --file ${visible(wanted.out)} --key audit.pub`);
}

/** Make the folder, or the zip of one. */
function packed(options: BundleOptions): Manifest {
  if (!options.out.endsWith('.zip')) return makeBundle(options);
  const beside = fs.mkdtempSync(`${options.out}.`);
  try {
    const out = path.join(beside, 'bundle');
    const manifest = makeBundle({ ...options, out });
    writeZip(out, options.out);
    return manifest;
  } finally {
    fs.rmSync(beside, { recursive: true, force: true });
  }
}
