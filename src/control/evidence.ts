/**
 * Makes the evidence bundles that the console sends (web/server/deps.ts): a folder below `data-dir/exports`, signed with the
 * audit key, read from there as a zip, deleted afterwards. What a start finds there was left by a crash and is deleted.
 *
 * Bound: one needs some 3 KiB of disk a row. It is begun only while ROOM bytes are free, so that an export never is what
 * fills the disk under the spool.
 */
import fs from 'node:fs';
import path from 'node:path';
import { makeBundle } from '../audit/evidence/bundle.ts';
import { zipFolder } from '../audit/evidence/zip.ts';
import { withEvidence } from './fleet.ts';
import type { StoreSettings } from './fleet.ts';
import { VERSION } from './version.ts';
import type { ConsoleEvidence } from '../../web/server/deps.ts';
import type { Signer } from '../audit/statement.ts';

/** Bytes that must be free on the disk: three times what the largest bundle takes. */
export const ROOM = 1024 ** 3;

export interface EvidenceKey {
  signer: Signer;
  publicPem: string;
}

export function consoleEvidence(settings: StoreSettings, key: EvidenceKey, room = ROOM): ConsoleEvidence {
  const exports = path.join(settings['data-dir'], 'exports');
  fs.rmSync(exports, { recursive: true, force: true });
  return {
    async make({ kind, query, since, until, limit, by, now }, signal) {
      fs.mkdirSync(exports, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = fs.statfsSync(exports);
      if (bavail * bsize < room)
        throw Object.assign(new Error('There is too little room on the disk to make an evidence bundle.'), {
          hint: `Make ${Math.ceil(room / 1024 ** 2)} MiB free, or use sightglass search --evidence with a folder on another disk.`,
        });
      const beside = fs.mkdtempSync(path.join(exports, 'evidence-'));
      const done = (): void => fs.rmSync(beside, { recursive: true, force: true });
      const out = path.join(beside, 'bundle');
      const { signer, publicPem } = key;
      try {
        const { rows } = await withEvidence(settings, signer.keyId, source =>
          makeBundle(
            {
              ...{ source, out, kind, query, since, until, limit, by, now },
              ...{ format: 'ndjson', signer, publicPem, version: VERSION },
            },
            signal,
          ),
        );
        return { rows, zip: zipFolder(out), done };
      } catch (error) {
        done();
        throw error;
      }
    },
  };
}
