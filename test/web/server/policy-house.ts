/** A console on a real policy: file, store, versions and desk in a throw-away folder, with recorded traffic where asked. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Desk } from '../../../src/control/desk.ts';
import { recordVersions } from '../../../src/control/policy-versions.ts';
import { keptInGit } from '../../../src/policy/repository.ts';
import { copiesDir } from '../../../src/policy/sources.ts';
import { openPolicyStore } from '../../../src/policy/store.ts';
import { PolicyVersions, versionsDir } from '../../../src/policy/versions.ts';
import type { ConsoleDeps } from '../../../web/server/deps.ts';
import { flow } from '../../policy/facts.ts';
import { record, verdict } from '../../policy/recorded.ts';
import { house } from './harness.ts';
import type { House } from './harness.ts';
import { START } from './memory-reader.ts';
import { recordsIn } from '../../helpers/records-in.ts';

export const POLICY = `version: 1
default: inspect
lists:
  banks: { file: lists/banks.txt }
  ads: { domains: ["ads.test", "*.tracker.test"] }
rules:
  - name: no ads
    when: { host: "list:ads" }
    action: block
    owner: network team
  - name: banks
    when: { host: "list:banks" }
    action: passthrough
  - name: old guests
    when: { host: guest.test, user: "*" }
    action: inspect
    expires: 2026-01-31
`;

export interface PolicyHouse extends House {
  /** Folder of the policy. */
  dir: string;
  policyFile: string;
  /** Have the store look at once; resolves to the version then in force, when it is recorded. */
  takeUp(): Promise<string>;
}

export async function policyHouse(
  t: TestContext,
  options: { traffic?: boolean; deps?: Partial<ConsoleDeps> } = {},
): Promise<PolicyHouse> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-policy-'));
  const dir = join(dataDir, 'etc');
  mkdirSync(join(dir, 'lists'), { recursive: true });
  writeFileSync(join(dir, 'lists/banks.txt'), 'bank.test\n*.bank.test\nother-bank.test\n');
  const policyFile = join(dir, 'policy.yaml');
  writeFileSync(policyFile, POLICY);
  if (options.traffic === true)
    record(dataDir, START - 3_600_000, [
      ...['a', 'b', 'c', 'd', 'e'].map((_, i) => ({
        facts: flow('shop.test', { now: START - 3_600_000, client: `10.0.0.${i + 1}`, user: 'ada' }),
        verdict: verdict('inspect', 'default'),
      })),
      {
        facts: flow('ads.test', { now: START - 3_600_000 }),
        verdict: verdict('block', 'no ads'),
      },
    ]);
  const store = await openPolicyStore({ file: policyFile, cacheDir: join(dataDir, 'policy'), pollMs: 50 });
  const versions = new PolicyVersions(versionsDir(dataDir));
  await recordVersions(store, versions, () => undefined);
  const desk = new Desk({ policyFile, dataDir, records: recordsIn(dataDir) });
  t.after(async () => {
    store.close();
    await desk.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const h = await house(t, {
    deps: {
      policyWork: {
        store,
        versions,
        desk,
        copies: copiesDir(join(dataDir, 'policy')),
        repository: () => keptInGit(policyFile, 'auto'),
        refresh: () => Promise.resolve(),
      },
      ...options.deps,
    },
  });
  const takeUp = async (): Promise<string> => {
    await store.reload();
    for (;;) {
      const { version } = store.loaded().compiled;
      if ((await versions.newest())?.version === version) return version;
      await sleep(20);
    }
  };
  return { ...h, dir, policyFile, takeUp };
}
