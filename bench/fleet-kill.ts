/**
 * Rounds of `kill -9` against a fleet, with its counts as a page under bench/results: `npm run bench:fleet -- [rounds]` (30 when not
 * given). The rounds themselves are those of the test, only more of them; nothing here is measured for speed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fleetKill } from '../test/audit/fleet/fleet-kill.ts';

const rounds = Number(process.argv[2] ?? 30);
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('the number of rounds is 1 or more');
const seed = Date.now() % 2 ** 31;
const result = await fleetKill(rounds, seed);
const { kills } = result;
const day = new Date().toISOString().slice(0, 10);
const page = `# Fleet under kill -9, ${day}

Two proxies with a worker each, a collector and PostgreSQL; ${rounds} rounds, seed ${seed}, ${Math.round(result.seconds)} s.
Made by \`npm run bench:fleet -- ${rounds}\`.

| | |
|---|---|
| killed | collector ${kills.collector}, shipper ${kills.shipper}, worker ${kills.worker}, database ${kills.database} |
| exchanges acknowledged by workers | ${result.acknowledged} |
| exchanges in the database | ${result.stored} |
| flows in the database | ${result.flows}, of which ${result.deadFlows} were open when their worker died |
| acknowledged and missing | ${result.missing} |
| there twice | ${result.twice} |
`;
const dir = join(import.meta.dirname, 'results');
mkdirSync(dir, { recursive: true });
writeFileSync(join(dir, `${day}-fleet.md`), page);
console.log(page);
if (result.missing + result.twice > 0) process.exitCode = 1;
