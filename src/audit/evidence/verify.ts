/**
 * Verifies an evidence bundle, a folder or its zip, with the public key alone, offline: the manifest's signature, the digest of each file, each row's
 * proof up to a signed checkpoint, and that the exported line says exactly what the proven row says.
 *
 * Everything in a bundle comes from outside: it is read as data, bounded by the sizes of its files, and what cannot be read
 * is a finding and no error. The data is held in memory.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { digestOf } from '../chain.ts';
import { readCheckpoint } from '../checkpoint.ts';
import { rootOf } from '../merkle.ts';
import { isSignedBy, keyIdOf, parseStatement, readSignature, readSigned } from '../statement.ts';
import { Findings } from '../verify/finding.ts';
import { CHECKPOINTS, dataHead, dataLine, dataName, MANIFEST, PROOF, SIGNATURE, TITLE } from './format.ts';
import { rowOfTexts } from './row.ts';
import { readZip } from './zip.ts';
import type { KeyObject } from 'node:crypto';
import type { Finding } from '../verify/finding.ts';
import type { CheckpointLine, Manifest, ProofLine } from './format.ts';

export interface BundleReport {
  manifest: Manifest | null;
  rows: number;
  /** Rows that a signed checkpoint proves. */
  proven: number;
  findings: Finding[];
}

/** A file of the bundle by its name, whole; null when it is not there. */
type Files = (name: string) => Buffer | null;

/** Verify the bundle in a folder or in a zip. Throws only when it cannot be read at all. */
export function verifyBundle(place: string, key: KeyObject): BundleReport {
  const findings = new Findings(path.basename(place));
  const report: BundleReport = { manifest: null, rows: 0, proven: 0, findings: findings.list };
  const dir = fs.statSync(place).isDirectory()
    ? (name: string): Buffer | null => readFile(path.join(place, name))
    : zipped(place, findings);
  if (dir === null) return report;
  const manifest = readManifest(dir, key, findings);
  if (manifest === null) return report;
  report.manifest = manifest;
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    const data = /^[a-z]+\.[a-z]+$/.test(name) ? dir(name) : null;
    if (data === null) findings.add('missing', `${name} is not in the bundle`);
    else if (data.length !== bytes || createHash('sha256').update(data).digest('hex') !== sha256)
      findings.add('changed', `${name} is not the file that was exported`);
  }
  rows(dir, key, manifest, report, findings);
  return report;
}

/** What lies in a zip; null, with the finding, when nothing can be taken out of it. */
function zipped(file: string, findings: Findings): Files | null {
  const { files, problem } = readZip(file);
  if (problem !== null) findings.add(files === null ? 'unreadable' : 'outside-rows', problem);
  return files === null ? null : name => files.get(name) ?? null;
}

function readManifest(dir: Files, key: KeyObject, findings: Findings): Manifest | null {
  const text = dir(MANIFEST)?.toString('utf8');
  const signed = readSigned(dir(SIGNATURE)?.toString('utf8') ?? '');
  const statement = signed === null ? null : parseStatement(signed.statement);
  if (signed === null || statement?.title !== TITLE || !isSignedBy(signed, key))
    findings.add('signature', `the manifest is not signed by this key (${keyIdOf(key)})`);
  else if (text === undefined || statement.fields.get('manifest') !== digestOf(text))
    findings.add('changed', 'the manifest is not the one that was signed');
  try {
    const value = JSON.parse(text ?? '') as Manifest;
    const known =
      value.format === 'sightglass evidence 1' && (value.data === 'ndjson' || value.data === 'csv');
    if (known && ['exchanges', 'flows', 'events'].includes(value.kind) && typeof value.files === 'object')
      return value;
  } catch {
    // Told below.
  }
  findings.add('unreadable', `${MANIFEST} cannot be read`);
  return null;
}

function rows(
  dir: Files,
  key: KeyObject,
  manifest: Manifest,
  report: BundleReport,
  findings: Findings,
): void {
  const text = dir(dataName(manifest.data))?.toString('utf8') ?? '';
  const end = manifest.data === 'csv' ? '\r\n' : '\n';
  const head = dataHead(manifest);
  if (!text.startsWith(head)) findings.add('changed', 'the data does not begin with its columns');
  const lines = text.slice(head.length).split(end).slice(0, -1);
  report.rows = lines.length;
  if (lines.length !== manifest.rows)
    findings.add(
      lines.length < manifest.rows ? 'truncated' : 'inserted',
      `the data has ${lines.length} rows, the manifest says ${manifest.rows}`,
    );
  const digests = new Map<number, { digest: string; line: number; time: number | null }>();
  const seen = new Set<number>();
  for (const line of jsonLines<ProofLine>(dir, PROOF, findings)) {
    const row = safeRow(manifest, line);
    if (row === null || seen.has(line.line)) {
      findings.add('unreadable', `the proof of row ${line.line} does not hold together`, { seq: line.seq });
      continue;
    }
    seen.add(line.line);
    const name = {
      seq: line.seq,
      time: row.time,
      id: 'exchange' in row ? row.exchange : 'flow' in row ? row.flow : null,
    };
    if (`${lines[line.line - 1] ?? ''}${end}` !== dataLine(manifest, row))
      findings.add('changed', `row ${line.line} of the data is not the row that was recorded`, name);
    digests.set(line.seq, { digest: digestOf(line.text), line: line.line, time: row.time });
  }
  for (let i = 1; i <= lines.length; i++)
    if (!seen.has(i) && lines.length - seen.size > manifest.unchained) {
      findings.add('inserted', `row ${i} of the data has no proof`);
      break;
    }
  const covered = checkpoints(dir, key, digests, report, findings);
  if (digests.size - covered > manifest.unsigned)
    findings.add(
      'missing',
      `${digests.size - covered} rows have no checkpoint, the manifest says ${manifest.unsigned}`,
    );
}

/** Lead the rows up to the signed roots; returns how many rows have a checkpoint, good or not. */
function checkpoints(
  dir: Files,
  key: KeyObject,
  digests: ReadonlyMap<number, { digest: string; line: number; time: number | null }>,
  report: BundleReport,
  findings: Findings,
): number {
  const order = [...digests.keys()].sort((a, b) => a - b);
  const done = new Set<number>();
  for (const line of jsonLines<CheckpointLine>(dir, CHECKPOINTS, findings)) {
    const signed = {
      statement: String(line.statement),
      signature: readSignature(String(line.signature)) ?? Buffer.alloc(0),
    };
    const c = readCheckpoint(signed.statement);
    if (c === null || !Array.isArray(line.proof) || !isSignedBy(signed, key)) {
      findings.add('signature', 'a checkpoint of the bundle is not signed by this key');
      continue;
    }
    const chosen = order
      .filter(seq => seq >= c.first && seq <= c.last && !done.has(seq))
      .map(seq => ({ index: seq - c.first, digest: digests.get(seq)?.digest ?? '' }));
    for (const { index } of chosen) done.add(c.first + index);
    if (rootOf(c.last - c.first + 1, chosen, line.proof.map(String)) === c.root)
      report.proven += chosen.length;
    else {
      const first = digests.get(c.first + (chosen[0]?.index ?? 0));
      findings.add(
        'chain',
        `the rows do not lead to checkpoint ${c.number} of ${c.day}; the first is row ${first?.line ?? '?'}`,
        {
          seq: c.first + (chosen[0]?.index ?? 0),
          time: first?.time ?? null,
        },
      );
    }
  }
  return done.size;
}

function safeRow(manifest: Manifest, line: ProofLine): ReturnType<typeof rowOfTexts> {
  try {
    const whole = Number.isSafeInteger(line.line) && Number.isSafeInteger(line.seq);
    return whole && typeof line.text === 'string' ? rowOfTexts(manifest.kind, line.text, line.parts) : null;
  } catch {
    return null;
  }
}

function* jsonLines<T>(dir: Files, name: string, findings: Findings): Generator<T> {
  const text = dir(name)?.toString('utf8') ?? '';
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = null;
    }
    if (typeof value === 'object' && value !== null) yield value as T;
    else findings.add('unreadable', `line ${i + 1} of ${name} cannot be read`);
  }
}

function readFile(file: string): Buffer | null {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
