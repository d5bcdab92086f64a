/**
 * One truth table of names and patterns, asked of the real consumers of every export. What they should answer is what our
 * own matcher says; a consumer that disagrees fails the test, because then the export does not mean what the policy does.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { canonicalHost } from '../../src/core/host-name.ts';
import { exportList } from '../../src/policy/lists/export.ts';
import { EXPORTERS } from '../../src/policy/lists/formats.ts';
import { setOf } from '../../src/policy/lists/tidy.ts';
import type { ExportAction } from '../../src/policy/lists/writer.ts';
import { MATCHES } from '../../src/policy/pattern.ts';
import type { Match } from '../../src/policy/pattern.ts';
import { entry } from '../policy/lists/helper.ts';

/** A running consumer that holds one exported list. */
export interface Consumer {
  /** Whether it treats the name as being on the list. */
  ask(name: string): Promise<boolean>;
  stop(): Promise<void>;
}

export interface Export {
  /** Folder with the exported files; for the consumer's own files too. Removed afterwards. */
  dir: string;
  /** Paths of the exported files by their names. */
  files: string[];
  /** Their contents in the same order. */
  texts: string[];
  kind: Match | 'exceptions';
}

export interface Judging {
  format: string;
  consumer: string;
  action?: ExportAction;
  /** Start the consumer with an export. */
  start(what: Export): Promise<Consumer>;
  /** Spellings that this consumer cannot be asked for, each with the reason. */
  cannotAsk?: Record<string, string>;
}

/** Every name of the table; A-labels, as clients send them. The empty one stands for a hello without SNI. */
export const NAMES = [
  'example.com',
  'www.example.com',
  'a.b.example.com',
  'notexample.com',
  'example.com.evil.test',
  'example.org',
  'com',
  'ads.test',
  'www.ads.test',
  'badads.test',
  'ads.test.example.net',
  'WWW.EXAMPLE.COM',
  'Example.Com',
  'example.com.',
  'www.example.com.',
  'xn--bcher-kva.test',
  'www.xn--bcher-kva.test',
  'XN--BCHER-KVA.test',
  'under_score.example.com',
  '',
];

const LISTED = ['example.com', 'ads.test', 'bücher.test'];
const MARK: Record<Match, string> = { exact: '', subdomains: '*.', both: '.' };

/** Names asked for when the list has exceptions below its names. */
const EXCEPTED = ['.ok.example.com', '.deep.www.ads.test'];
/** The same with exceptions that take a name apart from its subdomains, where the target can express it. */
const EXCEPTED_APART = ['ok.example.com', '*.deep.www.ads.test'];
const NAMES_AROUND_EXCEPTIONS = [
  'example.com',
  'ok.example.com',
  'www.ok.example.com',
  'notok.example.com',
  'a.b.ok.example.com',
  'ads.test',
  'www.ads.test',
  'deep.www.ads.test',
  'x.deep.www.ads.test',
  'ok.example.com.evil.test',
];

/** Ask a consumer the table once per kind of pattern that its format expresses, and once with exceptions if it holds any. */
export function judge(judging: Judging): void {
  const exporter = EXPORTERS.find(e => e.format === judging.format) ?? assert.fail(judging.format);
  const action = judging.action ?? 'deny';
  const kinds = action === 'deny' ? exporter.matches : (exporter.passMatches ?? exporter.matches);
  describe(`${judging.format}, asked of ${judging.consumer} (${action})`, () => {
    for (const kind of kinds)
      it(`${kind}: every name of the table`, async () => {
        const patterns = LISTED.map(name => MARK[kind] + name);
        const set = setOf(patterns.map(p => entry(p)));
        await table(judging, patterns, [], kind, NAMES, name => set.match(name));
      });
    if (exporter.exceptions === 'none' || action !== 'deny') return;
    const apart = (exporter.passMatches ?? exporter.matches).length === MATCHES.length;
    for (const exceptions of apart ? [EXCEPTED, EXCEPTED_APART] : [EXCEPTED])
      it(`exceptions ${exceptions.join(', ')}: every name around them`, async () => {
        const patterns = LISTED.map(name => `.${name}`);
        const listed = setOf(patterns.map(p => entry(p)));
        const excepted = setOf(exceptions.map(p => entry(p)));
        const expected = (name: string): boolean => listed.match(name) && !excepted.match(name);
        await table(judging, patterns, exceptions, 'exceptions', NAMES_AROUND_EXCEPTIONS, expected);
      });
  });
}

async function table(
  judging: Judging,
  patterns: string[],
  exceptions: string[],
  kind: Export['kind'],
  names: readonly string[],
  expected: (canonical: string) => boolean,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-consumer-'));
  try {
    const report = exportList(
      judging.format,
      {
        action: judging.action ?? 'deny',
        entries: patterns.map(p => entry(p)),
        exceptions: exceptions.map(p => entry(p, 'allow')),
        notes: [],
      },
      { name: 'names', generated: '2026-11-20T12:00:00.000Z', policy: null, proxy: 'proxy.test:8080' },
    );
    assert.equal(report.withheld.total, 0);
    const texts = report.files.map(f => [...f.lines].map(l => `${l}\n`).join(''));
    const files = report.files.map(f => join(dir, f.name));
    for (const [i, file] of files.entries()) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, texts[i] ?? '');
    }
    const consumer = await judging.start({ dir, files, texts, kind });
    try {
      const wrong: string[] = [];
      let asked = 0;
      for (const name of names) {
        if (judging.cannotAsk !== undefined && name in judging.cannotAsk) continue;
        asked++;
        const host = canonicalHost(name);
        const should = host.kind === 'name' && expected(host.name);
        const does = await consumer.ask(name);
        if (does !== should) wrong.push(`"${name}": ${should ? 'should be' : 'should not be'} listed`);
      }
      assert.deepEqual(wrong, []);
      assert.ok(asked >= names.length - 4, `${asked} names asked`);
    } finally {
      await consumer.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
