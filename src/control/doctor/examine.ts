/**
 * One examination: every check side by side, each with its own time, in the order of the catalogue. A check that fails in a
 * way nobody foresaw is told as such and does not take the others along.
 */
import type { ParentWay } from '../../core/verdict.ts';
import { wayThrough } from '../../policy/compile.ts';
import { openAuditStore } from '../fleet.ts';
import { CHECKS, type Answer, type CheckName } from './answer.ts';
import { askDisk, askKey, askLists, askPolicy, askSpool, seePolicy, type PolicySeen } from './house.ts';
import { askClients, askHistory, frequentHosts } from './ledger.ts';
import { askNames } from './names.ts';
import { askOrigins } from './origins.ts';
import { askParents } from './parents.ts';
import type { Patient } from './patient.ts';
import { askPorts } from './ports.ts';
import { askQuic } from './quic.ts';
import { askShell } from './shell.ts';
import { askStore } from './store.ts';

const FREQUENT_HOSTS = 5;

export interface Examination {
  answers: Answer[];
  /** Checks that could not be made, with the words of the error. */
  failed: { check: string; message: string }[];
}

/** Asks everything. `hosts` of the patient are extended by those of recent records when it names none. */
export async function examine(given: Patient): Promise<Examination> {
  const { settings } = given;
  const now = given.now();
  const failed: Examination['failed'] = [];
  const attempt = async (check: string, work: () => Answer[] | Promise<Answer[]>): Promise<Answer[]> => {
    try {
      return await work();
    } catch (error) {
      failed.push({ check, message: error instanceof Error ? error.message : String(error) });
      return [];
    }
  };
  const store = openAuditStore(settings);
  try {
    const frequent =
      given.hosts.length > 0 ? given.hosts : await frequentHosts(store, now, FREQUENT_HOSTS).catch(() => []);
    const patient: Patient = { ...given, hosts: frequent };
    const policy = await seePolicy(patient);
    const groups = parentGroups(policy);
    const kept = await attempt('store', () => askStore(settings, store));
    // What nobody can ask is not asked three times more.
    const usable = !kept.some(a => a.state === 'bad');
    const answers = await Promise.all([
      attempt('port', () => askPorts(patient)),
      attempt('policy', () => askPolicy(policy)),
      attempt('key', () => askKey(patient)),
      attempt('disk', () => askDisk(patient)),
      ...(usable
        ? [
            attempt('spool', () => askSpool(patient, store)),
            attempt('clock', () => askHistory(store, now)),
            attempt('client', () => askClients(store, now)),
          ]
        : []),
      attempt('names', () => askNames(patient)),
      attempt('parent', () => askParents(patient, groups)),
      attempt('origin', () => askOrigins(patient, groups)),
      attempt('quic', () => askQuic(patient)),
      attempt('shell', () => askShell(patient)),
      attempt('list', () => askLists(patient, policy)),
    ]);
    const order = Object.keys(CHECKS) as CheckName[];
    return {
      answers: [...kept, ...answers.flat()].sort((a, b) => order.indexOf(a.check) - order.indexOf(b.check)),
      failed,
    };
  } finally {
    await store.close();
  }
}

/** Parent groups of the policy file; none when it cannot be read, which is another check's answer. */
function parentGroups({ loaded }: PolicySeen): ParentWay[] {
  if (loaded?.ok !== true) return [];
  return Object.entries(loaded.document.parents ?? {}).map(([name, group]) => wayThrough(name, group));
}
