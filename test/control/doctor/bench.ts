/** What the doctor's tests share: a data directory of their own, settings on it, and a patient that answers fast. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Answer, AnswerCode } from '../../../src/control/doctor/answer.ts';
import type { Patient } from '../../../src/control/doctor/patient.ts';
import type { Settings } from '../../../src/settings/catalogue.ts';
import { loadSettings } from '../../../src/settings/load.ts';

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-doctor-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

export interface PatientOptions extends Partial<Omit<Patient, 'settings'>> {
  flags?: Record<string, string | string[]>;
}

export function patient(dataDir: string, { flags = {}, ...more }: PatientOptions = {}): Patient {
  const settings: Settings = loadSettings({
    flags: { 'data-dir': dataDir, ...flags },
    env: { HOME: dataDir },
  });
  return { settings, hosts: [], env: {}, now: Date.now, patience: 1_000, ...more };
}

export const codes = (answers: readonly Answer[]): AnswerCode[] => answers.map(a => a.code);
