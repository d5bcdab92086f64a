/**
 * What every driver of AuditStore and AuditHistory must do, asked of one driver at a time: contract-sqlite.test.ts and contract-postgres.test.ts
 * run it. The judge of searches is the naive search over the same records (query/evaluate.ts).
 */
import { historyContract } from './contract-history.ts';
import { recordsContract } from './contract-records.ts';
import { searchContract } from './contract-search.ts';
import type { Driver } from './drivers.ts';

export function contract(name: string, make: () => Promise<Driver>): void {
  searchContract(name, make);
  recordsContract(name, make);
  historyContract(name, make);
}
