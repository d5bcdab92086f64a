import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listsCommand } from '../../src/cli/lists.ts';
import { EXPORTERS, IMPORTERS } from '../../src/policy/lists/formats.ts';

it('the verb has its two parts, and their help names every format', () => {
  const [importing, exporting] = listsCommand().commands;
  assert.ok(importing && exporting);
  assert.deepEqual([importing.name(), exporting.name()], ['import', 'export']);
  for (const [command, formats] of [
    [importing, IMPORTERS],
    [exporting, EXPORTERS],
  ] as const) {
    let help = '';
    command.configureOutput({ writeOut: text => void (help += text) });
    command.outputHelp();
    for (const { format, about } of formats)
      assert.ok(help.includes(`  ${format.padEnd(12)}${about}`), format);
  }
});
