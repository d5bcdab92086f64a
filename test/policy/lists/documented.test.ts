/** docs/lists.md says of every format what its exporter declares. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { EXPORTERS, IMPORTERS } from '../../../src/policy/lists/formats.ts';
import { EXPORT_ACTIONS } from '../../../src/policy/lists/writer.ts';
import { MATCHES } from '../../../src/policy/pattern.ts';

const docs = await readFile(new URL('../../../docs/lists.md', import.meta.url), 'utf8');

const EXCEPTIONS = {
  none: 'withholds entries that have any',
  'they-win': 'yes, they always win',
  'longest-wins': 'yes, the longest name wins',
} as const;

describe('docs/lists.md', () => {
  for (const e of EXPORTERS)
    it(`tells what ${e.format} can express`, () => {
      const cells = [
        `\`${e.format}\``,
        e.about,
        ...MATCHES.map(m =>
          !e.matches.includes(m) ? 'no' : e.passMatches?.includes(m) === false ? 'deny only' : 'yes',
        ),
        e.actions.length === EXPORT_ACTIONS.length ? 'all' : e.actions.join(', '),
        EXCEPTIONS[e.exceptions],
      ];
      // The formatter pads cells; their words are what counts.
      const rows = docs.split('\n').map(line =>
        line
          .split('|')
          .map(c => c.trim())
          .slice(1, -1)
          .join(' | '),
      );
      assert.ok(rows.includes(cells.join(' | ')), `the row should be: | ${cells.join(' | ')} |`);
    });

  it('names every format that can be read', () => {
    for (const { format } of IMPORTERS) assert.ok(docs.includes(`\`${format}\``), format);
  });
});
