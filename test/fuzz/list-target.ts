/**
 * What all fuzz targets of list importers share: one invariant, checked on the importer itself and on the way through
 * exports. A target names its importer and gives seeds; its file name is `list-<format>`.
 */
import assert from 'node:assert/strict';
import { StringDecoder } from 'node:string_decoder';
import { exportList } from '../../src/policy/lists/export.ts';
import { EXPORTERS, IMPORTERS, detectFormat } from '../../src/policy/lists/formats.ts';
import type { ListEntry } from '../../src/policy/lists/entry.ts';
import type { Importer } from '../../src/policy/lists/reader.ts';
import { setOf } from '../../src/policy/lists/tidy.ts';
import { patternOf, patternText } from '../../src/policy/pattern.ts';
import type { Rng } from './rng.ts';
import type { FuzzTarget } from './target.ts';

interface Read {
  entries: ListEntry[];
  lines: number[];
  rejects: string[];
  ignored: number;
}

const OPTIONS = { bare: 'exact', allowPublicSuffix: true } as const;

function read(importer: Importer, pieces: readonly Buffer[]): Read {
  const out: Read = { entries: [], lines: [], rejects: [], ignored: 0 };
  const reader = importer.open(
    {
      entry: (e, line) => {
        out.entries.push(e);
        out.lines.push(line);
      },
      reject: (line, reason, text) => {
        assert.ok(reason.length > 3 && text.length <= 70_000);
        out.lines.push(line);
        out.rejects.push(`${line} ${reason}`);
      },
      ignore: () => void out.ignored++,
    },
    OPTIONS,
  );
  const decoder = new StringDecoder('utf8');
  for (const piece of pieces) reader.write(decoder.write(piece));
  reader.write(decoder.end());
  reader.end();
  return out;
}

function cut(bytes: Buffer, rng: Rng): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const n = 1 + rng.int(rng.oneIn(3) ? 3 : 200);
    pieces.push(bytes.subarray(at, at + n));
    at += n;
  }
  return pieces;
}

/** Write entries in a format and read them back. */
function again(format: string, entries: readonly ListEntry[]): { written: number; back: Read } {
  const report = exportList(
    format,
    { action: 'deny', entries, exceptions: [], notes: [] },
    { name: 'fuzz', generated: '2026-11-20T00:00:00Z', policy: null },
  );
  const importer = IMPORTERS.find(i => i.format === format);
  assert.ok(importer);
  const back: Read = { entries: [], lines: [], rejects: [], ignored: 0 };
  for (const file of report.files) {
    const text = [...file.lines].map(l => `${l}\n`).join('');
    const part = read(importer, [Buffer.from(text)]);
    back.entries.push(...part.entries);
    back.rejects.push(...part.rejects);
  }
  return { written: report.written, back };
}

function texts(entries: Iterable<ListEntry>): string[] {
  return [...setOf(entries).patterns()].map(patternText).sort();
}

/** The fuzz target of one importer. */
export function listTarget(format: string, seeds: string[], words: string[]): FuzzTarget {
  const importer = IMPORTERS.find(i => i.format === format);
  if (importer === undefined) throw new Error(`there is no importer "${format}"`);
  return {
    name: `list-${format}`,
    invariant:
      'Any bytes, however they are cut, end in the same entries and rejects, each with a line of the input; every entry is canonical, and an export of what was read is read back as the same set.',
    seeds: () => seeds.map(s => Buffer.from(s)),
    dictionary: ['\n', '\r\n', '.', '*', '*.', '#', 'a.test', 'xn--', 'ü', '"', ...words].map(w =>
      Buffer.from(w),
    ),
    run(bytes, rng) {
      const whole = read(importer, [bytes]);
      assert.deepEqual(read(importer, cut(bytes, rng)), whole, 'cut');
      const lineCount = bytes.toString('utf8').split('\n').length;
      for (const line of whole.lines)
        assert.ok(line >= 1 && line <= lineCount, `line ${line} of ${lineCount}`);
      for (const { name, match } of whole.entries)
        assert.deepEqual(patternOf(name, match, OPTIONS).ok, { name, match });
      const detected = detectFormat(bytes.toString('utf8'));
      assert.ok(detected === null || IMPORTERS.includes(detected));
      for (const target of ['json', EXPORTERS.some(e => e.format === format) ? format : 'plain']) {
        const first = again(target, whole.entries);
        assert.deepEqual(first.back.rejects, [], `${target} rejects what was written`);
        const second = again(target, first.back.entries);
        assert.deepEqual(
          texts(second.back.entries),
          texts(first.back.entries),
          `${target} changes on the second way`,
        );
        assert.equal(second.written, first.written);
      }
    },
  };
}
