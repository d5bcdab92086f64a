/** Settings that say where records are searched: the day files of a folder, or what `flags` name instead. */
import { storeSettings, type StoreSettings } from '../../src/control/fleet.ts';
import { loadSettings } from '../../src/settings/load.ts';

export const recordsIn = (dataDir: string, flags: Record<string, string> = {}): StoreSettings =>
  storeSettings(loadSettings({ flags: { 'data-dir': dataDir, ...flags }, env: {} }));
