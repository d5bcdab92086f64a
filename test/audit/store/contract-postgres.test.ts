/** The contract of AuditStore, on a real PostgreSQL. */
import { after, before, describe } from 'node:test';
import { startPostgres } from '../../helpers/postgres.ts';
import { contract } from './contract.ts';
import { postgresDriver } from './drivers.ts';
import type { Postgres } from '../../helpers/postgres.ts';

describe('the fleet store', () => {
  let postgres: Postgres;
  let databases = 0;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.cleanUp());
  const make = async () => postgresDriver(await postgres.database(`contract_${++databases}`));
  contract('PostgreSQL', make);
});
