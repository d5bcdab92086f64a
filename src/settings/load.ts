/**
 * From flags, environment and file to one checked `Settings` value: flags > SIGHTGLASS_* > YAML file > default.
 *
 * Everything that is wrong is reported at once, each with the setting, the place it came from and, for a key nobody knows,
 * the nearest one. It either returns a complete value or throws `SettingsError`; it never starts with half of them.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { CATALOGUE, SETTING_NAMES, isSettingName, variableOf } from './catalogue.ts';
import type { Setting, SettingName, Settings } from './catalogue.ts';
import { nearest } from './nearest.ts';
import { readSettingsFile } from './file.ts';
import { problemText } from './problem.ts';
import type { RawValue, SettingProblem } from './problem.ts';

export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    super(problems.map(problemText).join('\n'));
    this.problems = problems;
  }
}

export interface SettingsInput {
  /** Flags by setting name, as typed after `--`. Values of repeated flags come as a list. */
  flags?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Usually process.env. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Path of the YAML file; without it, SIGHTGLASS_CONFIG names one. Relative to `cwd`. */
  file?: string | undefined;
  cwd?: string;
}

export interface LoadedSettings {
  settings: Settings;
  /** Where each value came from, in the words of `SettingProblem.where`. */
  origins: Readonly<Record<SettingName, string>>;
  /** Absolute path of the file that was read, or null. */
  file: string | null;
}

/** Variables that are no settings: the file itself, and the switch that shows stack traces. */
const OTHER_VARIABLES = new Set(['SIGHTGLASS_CONFIG', 'SIGHTGLASS_DEBUG', 'SIGHTGLASS_CA_PASSPHRASE']);
/** What the supervisor tells its workers, and what tests tell the product's scripts. */
const INTERNAL_VARIABLE = /^SIGHTGLASS_(INTERNAL|TEST|BENCH)_/;

/** The settings alone. Throws `SettingsError`. */
export function loadSettings(input: SettingsInput = {}): Settings {
  return loadSettingsWithOrigins(input).settings;
}

/** The settings and where each came from. Throws `SettingsError` with every problem found. */
export function loadSettingsWithOrigins(input: SettingsInput = {}): LoadedSettings {
  const env = input.env ?? {};
  const cwd = input.cwd ?? process.cwd();
  const home = env['HOME'] !== undefined && env['HOME'] !== '' ? env['HOME'] : homeOfUser();
  const problems: SettingProblem[] = [];

  const named = input.file ?? (env['SIGHTGLASS_CONFIG'] === '' ? undefined : env['SIGHTGLASS_CONFIG']);
  const path = named === undefined ? null : resolve(cwd, named);
  const fromFile = path === null ? new Map<SettingName, RawValue>() : readFileOrReport(path, problems);
  const fromEnv = readEnvironment(env, cwd, problems);
  const fromFlags = readFlags(input.flags ?? {}, cwd, problems);

  const settings: Record<string, unknown> = {};
  const origins = {} as Record<SettingName, string>;
  for (const name of SETTING_NAMES) {
    const raw = fromFlags.get(name) ?? fromEnv.get(name) ?? fromFile.get(name);
    origins[name] = raw?.where ?? 'default';
    settings[name] =
      raw === undefined
        ? defaultValue(name, { env, home }, cwd, problems)
        : readValue(name, raw, { home }, problems);
  }
  // A lower layer that is overridden must still be sound: a typo in the file is not forgiven because a flag hides it.
  for (const layer of [fromEnv, fromFile])
    for (const [name, raw] of layer)
      if (raw.where !== origins[name]) readValue(name, raw, { home }, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  checkTogether(settings as unknown as Settings, origins, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return { settings: settings as unknown as Settings, origins, file: path };
}

function homeOfUser(): string | null {
  try {
    return homedir();
  } catch {
    return null; // A user without an entry in the account database, as containers have.
  }
}

function readFileOrReport(path: string, problems: SettingProblem[]): Map<SettingName, RawValue> {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const message =
      code === 'ENOENT' ? 'the settings file does not exist' : `the settings file cannot be read (${code})`;
    problems.push({ key: 'config', where: path, message, suggestion: null });
    return new Map();
  }
  const { values, problems: found } = readSettingsFile(source, path, dirname(path));
  problems.push(...found);
  return values;
}

function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  problems: SettingProblem[],
): Map<SettingName, RawValue> {
  const byVariable = new Map(SETTING_NAMES.map(name => [variableOf(name), name]));
  const values = new Map<SettingName, RawValue>();
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !variable.startsWith('SIGHTGLASS_')) continue;
    if (OTHER_VARIABLES.has(variable) || INTERNAL_VARIABLE.test(variable)) continue;
    const where = `variable ${variable}`;
    const name = byVariable.get(variable);
    if (name === undefined) {
      const suggestion = nearest(variable, byVariable.keys());
      problems.push({
        key: variable,
        where: 'environment',
        message: 'no setting has this variable',
        suggestion,
      });
    } else if (text !== '') {
      // An empty variable counts as not set: that is how service files and compose files switch one off.
      values.set(name, { texts: [{ text, where }], where, base: cwd, split: true });
    }
  }
  return values;
}

function readFlags(
  flags: NonNullable<SettingsInput['flags']>,
  cwd: string,
  problems: SettingProblem[],
): Map<SettingName, RawValue> {
  const values = new Map<SettingName, RawValue>();
  for (const [key, given] of Object.entries(flags)) {
    if (given === undefined) continue;
    const where = `flag --${key}`;
    if (!isSettingName(key)) {
      const suggestion = nearest(key, SETTING_NAMES);
      problems.push({
        key,
        where,
        message: 'there is no such setting',
        suggestion: suggestion && `--${suggestion}`,
      });
      continue;
    }
    const texts = (typeof given === 'string' ? [given] : given).map(text => ({ text, where }));
    values.set(key, { texts, where, base: cwd, split: CATALOGUE[key].kind.commas });
  }
  return values;
}

function defaultValue(
  name: SettingName,
  context: { env: Readonly<Record<string, string | undefined>>; home: string | null },
  cwd: string,
  problems: SettingProblem[],
): unknown {
  const setting: Setting = CATALOGUE[name];
  const value =
    !setting.repeatable && typeof setting.default === 'function' ? setting.default(context) : setting.default;
  if (value === null) {
    // Only data-dir has a default that can fail: an optional setting is null because it is not set.
    if (!setting.repeatable && typeof setting.default === 'function')
      problems.push({
        key: name,
        where: 'default',
        message: 'there is no HOME to put it in; name a folder',
        suggestion: null,
      });
    return null;
  }
  const texts = (typeof value === 'string' ? [value] : (value as readonly string[])).map(text => ({
    text,
    where: 'default',
  }));
  return readValue(
    name,
    { texts, where: 'default', base: cwd, split: false },
    { home: context.home },
    problems,
  );
}

function readValue(
  name: SettingName,
  raw: RawValue,
  who: { home: string | null },
  problems: SettingProblem[],
): unknown {
  const setting: Setting = CATALOGUE[name];
  const context = { base: raw.base, home: who.home };
  const read = ({ text, where }: { text: string; where: string }): unknown => {
    try {
      return setting.kind.read(text, context);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ key: name, where, message: error.message, suggestion: null });
      return null;
    }
  };
  if (!setting.repeatable) {
    const last = raw.texts.at(-1);
    if (last === undefined || raw.texts.length > 1) {
      problems.push({ key: name, where: raw.where, message: 'takes exactly one value', suggestion: null });
      return null;
    }
    return read({ text: last.text.trim(), where: last.where });
  }
  const parts = raw.texts.flatMap(({ text, where }) =>
    (raw.split ? text.split(',') : [text]).map(part => ({ text: part.trim(), where })),
  );
  const only = parts[0];
  if (parts.length === 1 && only?.text === 'none') return [];
  return parts.map(read);
}

/** What no single setting can know about itself. */
function checkTogether(
  settings: Settings,
  origins: Record<SettingName, string>,
  problems: SettingProblem[],
): void {
  const report = (name: SettingName, message: string): void => {
    problems.push({ key: name, where: origins[name], message, suggestion: null });
  };
  for (const name of ['proxy.listen', 'console.listen'] as const)
    if (settings[name].length === 0) report(name, 'needs at least one address');
  if (settings['origin.trust'].length === 0 && settings['origin.extra-ca'].length === 0)
    report('origin.trust', 'without any store and without origin.extra-ca no origin could be verified');
  const seen = new Map<string, SettingName>();
  for (const name of ['proxy.listen', 'console.listen', 'metrics.listen'] as const)
    for (const { host, port } of settings[name]) {
      const key = `${host} ${port}`;
      const other = port === 0 ? undefined : seen.get(key);
      if (other !== undefined) report(name, `port ${port} at ${host} is already taken by ${other}`);
      seen.set(key, name);
    }
}
