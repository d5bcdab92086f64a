/** What the verbs of `sightglass audit` that change something share: who asks, the trail, the events, the keys. */
import { userInfo } from 'node:os';
import { auditKeyDir, openAuditKey } from '../../../ca/audit-key.ts';
import { readPassphrase } from '../../../ca/passphrase.ts';
import { allocateProducer } from '../../audit/producer.ts';
import { spoolDir } from '../../audit/recorder.ts';
import { openSpool } from '../../audit/spool.ts';
import { signerOf } from '../../audit/statement.ts';
import type { Signer } from '../../audit/statement.ts';
import { openControlDb } from '../../control/control-db.ts';
import type { StoreSettings } from '../../control/fleet.ts';
import type { Person } from '../../control/holds.ts';
import { openKeeping } from '../../control/keeping.ts';
import type { Keeping } from '../../control/keeping.ts';
import { Trail } from '../../control/trail.ts';
import type { Settings } from '../../settings/catalogue.ts';

/** The person at the terminal, as trail and holds name them. */
export function person(): Person {
  const name = systemUser();
  return { user: null, address: 'command line', name };
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user id ${process.getuid?.() ?? 'unknown'}`;
  }
}

export interface Desk {
  keeping: Keeping;
  /** A line in the trail, with the name of the person at the terminal. */
  write: (action: string, detail: Record<string, unknown>) => void;
}

/** Open the control store for a piece of work and close it again. */
export async function atDesk<T>(settings: StoreSettings, work: (desk: Desk) => T | Promise<T>): Promise<T> {
  const db = openControlDb(settings['data-dir']);
  try {
    const trail = new Trail(db);
    const by = person();
    return await work({
      keeping: openKeeping(settings, db),
      write: (action, detail) => {
        trail.append({ user: by.user, address: by.address, action, detail: { ...detail, by: by.name } });
      },
    });
  } finally {
    db.close();
  }
}

/** Leave events in the spool: the recorder carries them into the store, now or when it next runs. */
export function tellRecorder(
  dataDir: string,
  events: readonly { name: string; detail: Record<string, unknown> }[],
): void {
  if (events.length === 0) return;
  const dir = spoolDir(dataDir);
  const spool = openSpool({ dir, producer: allocateProducer(dir) });
  for (const { name, detail } of events) spool.append({ kind: 'event', time: Date.now(), name, detail });
  spool.flush();
  spool.close();
}

/** The signer of this data directory, for whoever may read its key. */
export function ownSigner(settings: Pick<Settings, 'data-dir' | 'ca.passphrase-file'>): Signer {
  const file = settings['ca.passphrase-file'];
  const key = openAuditKey(auditKeyDir(settings['data-dir']), file === null ? null : readPassphrase(file));
  return signerOf(key.privateKey);
}
