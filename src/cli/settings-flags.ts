/**
 * Settings as flags of a verb: `--config FILE` and one `--name VALUE` for each setting the verb understands, made from the
 * catalogue. `start` and `demo` take all of them, other verbs the few they need.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { CATALOGUE, SETTING_NAMES, defaultText } from '../settings/catalogue.ts';
import type { SettingName } from '../settings/catalogue.ts';
import type { SettingsInput } from '../settings/load.ts';

/**
 * Add `--config` and the flags of `names` to `command`. The returned function gives the loader's input after parsing;
 * the environment is that of this process.
 */
export function addSettingsFlags(
  command: Command,
  names: readonly SettingName[] = SETTING_NAMES,
): () => SettingsInput {
  const flags: Record<string, string[]> = {};
  let file: string | undefined;
  command.addOption(
    new Option('--config <FILE>', 'YAML file with settings (SIGHTGLASS_CONFIG)').argParser((path: string) => {
      file = path;
      return path;
    }),
  );
  for (const name of names) {
    const setting = CATALOGUE[name];
    const again = setting.repeatable ? ' Repeatable.' : '';
    const option = new Option(
      `--${name} <${setting.kind.label}>`,
      `${setting.help}${again} Default: ${defaultText(name)}`,
    );
    // Collected here and not in commander's own map, whose keys are camel-cased and would not be setting names.
    option.argParser((value: string) => {
      (flags[name] ??= []).push(value);
      return value;
    });
    command.addOption(option);
  }
  return () => ({ flags, env: process.env, file });
}
