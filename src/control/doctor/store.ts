/** Whether the store of records can be used, with the rights that this machine has there. Changes nothing. */
import { withConnection } from '../../audit/store/postgres/connection.ts';
import { PostgresStoreError } from '../../audit/store/postgres/schema.ts';
import type { AuditStore } from '../../audit/store/store.ts';
import { readTarget, recordsPlace, writeTarget } from '../fleet.ts';
import type { StoreSettings } from '../fleet.ts';
import { answer, type Answer } from './answer.ts';
import { words } from './patient.ts';

/** `store`: the one that the settings name for searching. Day files that cannot be read are thrown. */
export async function askStore(settings: StoreSettings, store: Pick<AuditStore, 'days'>): Promise<Answer[]> {
  const [read, write] = [readTarget(settings), writeTarget(settings)];
  try {
    const days = await store.days();
    if (write !== null) await withConnection(write, client => client.query('SELECT 1'));
    if (settings['audit.store'] === 'none' && read === null)
      return [answer('store-elsewhere', 'This machine keeps no records: it ships them to a collector.')];
    const bytes = days.reduce((sum, d) => sum + d.bytes, 0);
    return [
      answer('store-good', `The records in ${recordsPlace(settings)} can be read.`, [
        `${days.length} days, ${Math.round(bytes / 1024 ** 2)} MiB`,
      ]),
    ];
  } catch (error) {
    if (read === null) throw error;
    const place = recordsPlace(settings);
    if (error instanceof PostgresStoreError)
      return [
        answer('store-refused', `The records in ${place} cannot be used.`, [error.message, error.hint]),
      ];
    return [
      answer('store-unreachable', `The records in ${place} cannot be reached (${words(error)}).`, [
        error instanceof Error ? error.message : String(error),
      ]),
    ];
  }
}
