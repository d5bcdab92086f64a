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
import { keepsRecords, withEvidence } from '../../control/fleet.ts';
import { KEPT_ELSEWHERE } from '../../control/keeping.ts';
import { VERSION } from '../../control/version.ts';
import type { Settings } from '../../settings/catalogue.ts';
import { atDesk, ownSigner, person } from './desk.ts';
import { longWork } from '../progress.ts';
import type { ProgressOptions, Step } from '../progress.ts';
import { UsageError } from '../usage-error.ts';

type Wanted = Pick<BundleOptions, 'kind' | 'query' | 'since' | 'until' | 'limit' | 'format' | 'out' | 'now'>;

/** Make a bundle. Nothing leaves the house before the trail says so. */
export async function exportEvidence(
  settings: Settings,
  wanted: Wanted,
  options: ProgressOptions,
): Promise<void> {
  const dataDir = settings['data-dir'];
  if (settings['audit.store'] === 'none')
    throw new UsageError(KEPT_ELSEWHERE.message, KEPT_ELSEWHERE.hint, 1);
  if (!keepsRecords(settings))
    throw new UsageError(
      'The records that are searched here were stored and signed by another machine.',
      'Make the bundle on the collector that stored them.',
      1,
    );
  freePlace(wanted.out);
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
    return withEvidence(settings, signer.keyId, source => {
      const bundle = { ...wanted, source, signer, publicPem, by, version: VERSION };
      return longWork(options, (signal, tell) => packed(bundle, signal, tell));
    });
  });
  console.log(`${manifest.rows} rows with their proofs are in ${visible(wanted.out)}`);
  if (manifest.unsigned > 0)
    console.log(
      `${manifest.unsigned} of them are newer than the last checkpoint; in a minute they can be proven too`,
    );
  if (manifest.unchained > 0)
    console.log(
      `${manifest.unchained} of them are not in the chain of this machine (older, or stored by another collector) and cannot be proven`,
    );
  console.log(`verify it anywhere: sightglass audit verify --file ${visible(wanted.out)} --key audit.pub`);
}

/** Make the folder, or the zip of one: beside its place until it is whole. */
async function packed(
  options: BundleOptions,
  signal: AbortSignal,
  tell: (step: Step) => void,
): Promise<Manifest> {
  const { out } = options;
  const beside = fs.mkdtempSync(`${out}.`);
  try {
    const folder = path.join(beside, 'bundle');
    const manifest = await makeBundle({ ...options, out: folder }, signal, (day, rows) => {
      tell({ at: day, done: rows, unit: 'rows' });
    });
    const zip = path.join(beside, 'bundle.zip');
    if (out.endsWith('.zip')) await writeZip(folder, zip, signal);
    freePlace(out);
    fs.renameSync(out.endsWith('.zip') ? zip : folder, out);
    return manifest;
  } finally {
    fs.rmSync(beside, { recursive: true, force: true });
  }
}

/** Throws when something is there already. */
function freePlace(out: string): void {
  if (fs.existsSync(out))
    throw new UsageError(
      `${visible(out)} is there already.`,
      'Name a new folder or .zip; nothing is overwritten.',
      1,
    );
}
