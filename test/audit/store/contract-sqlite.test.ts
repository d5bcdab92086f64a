/** The contract of AuditStore, on day files of SQLite. */
import { contract } from './contract.ts';
import { sqliteDriver } from './drivers.ts';

contract('SQLite', sqliteDriver);
