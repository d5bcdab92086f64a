/**
 * The named lists of the policy: what they hold, writing them in the formats of other products, and taking lists over from
 * there. An import first shows what it would change; it is written only when the very same change is confirmed. Reading
 * and writing run at the desk; every look, export and change is a line in the trail.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Request, Router } from 'express';
import { parseTime, TIME_HINT } from '../../../src/audit/query/time.ts';
import { capabilities } from '../../../src/policy/lists/export.ts';
import { EXPORTERS, IMPORTERS } from '../../../src/policy/lists/formats.ts';
import { copyFacts } from '../../../src/policy/sources.ts';
import { patternText } from '../../../src/policy/pattern.ts';
import type { Condition, ListSource, Rule } from '../../../src/policy/rule.ts';
import type { FileProblem } from '../../../src/policy/load.ts';
import { API, COMMENT_MAX, LIST_SETS, TRAFFIC_SETS } from '../../contract.ts';
import type {
  ExportCases,
  ImportView,
  ListCopy,
  ListEntriesView,
  ListExportParams,
  ListFormat,
  ListPreview,
  ListRow,
  ListSet,
  ListsView,
} from '../../contract.ts';
import { ApiFailure, sendJson } from '../answer.ts';
import { requireCaller, requireCsrf } from '../auth.ts';
import type { Caller } from '../auth.ts';
import { listBytes } from '../body.ts';
import type { ConsoleDeps } from '../deps.ts';
import type { DeskResult, ImportJob } from '../desk.ts';
import { choiceParam, countParam, textParam } from '../params.ts';
import {
  atDesk,
  findingsInForce,
  keptInGit,
  problemsOf,
  refuseInGit,
  takenUp,
  workOf,
} from '../policy-work.ts';
import { listNotes } from '../rule-notes.ts';
import { attach } from './detail.ts';

const EXPORT_LIMIT_MS = 120_000;
const IMPORT_LIMIT_MS = 120_000;
const LIST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Entries shown of a list, lines shown of an export. */
const SHOWN = 200;
const HEAD_LINES = 40;
const HEAD_CHARS = 400;

export function listRoutes(router: Router, deps: ConsoleDeps): void {
  const { sessions, trail } = deps;
  const now = deps.now ?? Date.now;

  function write(caller: Caller, action: string, detail: Record<string, unknown>): void {
    trail.append({ user: caller.session.user.name, address: caller.address, action, detail });
  }

  router.get(API.lists, async (req, res) => {
    const caller = requireCaller(req, sessions, 'policy');
    const work = workOf(deps);
    const { compiled, document, positions } = work.store.loaded();
    const problems = work.store.problems();
    write(caller, 'lists.viewed', { version: compiled.version });
    const users = usersOf(document.rules);
    const findings = await findingsInForce(work, now(), deps.log);
    const lists: ListRow[] = [];
    for (const [name, source] of Object.entries(document.lists)) {
      const path = source.kind === 'file' ? resolve(dirname(work.store.file), source.file) : null;
      const info = path === null ? null : await stat(path).catch(() => null);
      lists.push({
        name,
        source: source.kind,
        file: originOf(source),
        copy: await copyOf(source, work.copies, now()),
        notes: listNotes(name, findings),
        entries: compiled.lists.get(name)?.set.size ?? 0,
        bytes: info?.size ?? null,
        modified: info?.mtime.toISOString() ?? null,
        rules: users.get(name) ?? [],
        allowPublicSuffix: source.allowPublicSuffix,
        signed: 'signed' in source,
        problems: problemsOf(ofList(problems, work.store.file, path, positions.lists[name] ?? 0)),
      });
    }
    sendJson<ListsView>(res, {
      version: compiled.version,
      lists,
      formats: FORMATS,
      importers: IMPORTERS.map(({ format, about }) => ({ format, about })),
      inGit: await keptInGit(work),
    });
  });

  router.get(API.listEntries, async (req, res) => {
    const caller = requireCaller(req, sessions, 'policy');
    const name = textParam(req, 'list') ?? '';
    const find = (textParam(req, 'find') ?? '').trim().toLowerCase();
    const list = workOf(deps).store.loaded().compiled.lists.get(name);
    if (list === undefined) throw noList(name);
    write(caller, 'list.viewed', { list: name, find });
    const entries: string[] = [];
    let found = 0;
    let seen = 0;
    for (const pattern of list.set.patterns()) {
      if (++seen % 20_000 === 0) await breathe();
      if (res.destroyed) return;
      if (!pattern.name.includes(find)) continue;
      if (++found <= SHOWN) entries.push(patternText(pattern));
    }
    sendJson<ListEntriesView>(res, { list: name, entries, found, total: list.set.size });
  });

  router.get(API.listPreview, async (req, res) => {
    const { report, files } = await exported(req, 'list.previewed');
    sendJson<ListPreview>(res, {
      format: report.format,
      files: files.map(({ name, text, lines }) => ({
        name,
        lines,
        bytes: Buffer.byteLength(text),
        head: text
          .slice(0, HEAD_LINES * HEAD_CHARS)
          .split('\n')
          .slice(0, Math.min(HEAD_LINES, lines))
          .map(line => line.slice(0, HEAD_CHARS)),
      })),
      written: report.written,
      exceptions: report.exceptions,
      duplicates: report.duplicates,
      covered: report.covered,
      withheld: casesOf(report.withheld),
      narrowed: casesOf(report.narrowed),
      notes: report.notes.slice(0, 100),
    });
  });

  router.get(API.listExport, async (req, res) => {
    const wanted = textParam(req, 'file');
    const { files } = await exported(req, 'list.exported');
    const file = wanted === null ? files[0] : files.find(f => f.name === wanted);
    if (file === undefined)
      throw new ApiFailure('not-found', 'The export has no such file.', 'Make a new preview first.');
    attach(res, file.name.replace(/[^A-Za-z0-9._-]+/g, '-'));
    res.status(200).type('application/octet-stream').send(file.text);
  });

  async function exported(req: Request, action: string): Promise<DeskResult['export']> {
    const caller = requireCaller(req, sessions, 'policy');
    const params = exportParams(req, now());
    // Hosts seen in traffic are traffic.
    if (TRAFFIC_SETS.includes(params.set)) requireCaller(req, sessions, 'search');
    const work = workOf(deps);
    const name = params.list ?? `sightglass-${params.set}`;
    write(caller, action, { ...params });
    return atDesk(
      work,
      { do: 'export', snapshot: work.store.snapshot(), params, name, now: now() },
      EXPORT_LIMIT_MS,
    );
  }

  router.post(API.listImport, async (req, res) => {
    const applying = textParam(req, 'expect') !== null;
    const caller = requireCaller(req, sessions, applying ? 'policy-edit' : 'policy');
    requireCsrf(req, caller.token);
    const params = importParams(req, caller.session.user.name);
    const work = workOf(deps);
    if (applying) await refuseInGit(work);
    const bytes = await listBytes(req);
    if (bytes.length === 0)
      throw new ApiFailure('bad-request', 'The list is empty.', 'Drop a file or paste a list.');
    const told = { list: params.name, file: params.file, bytes: bytes.length };
    write(caller, applying ? 'list.import' : 'list.import-checked', {
      ...told,
      ...(params.apply === null ? {} : { comment: params.apply.comment }),
    });
    const done = await atDesk(work, { do: 'import', bytes, params }, IMPORT_LIMIT_MS);
    if (done.written) {
      await takenUp(work);
      const { plan, exceptionsPlan: other } = done;
      const exceptions = other === null ? {} : { exceptions: other.name, excepted: other.after };
      write(caller, 'list.imported', { ...told, added: plan?.added, removed: plan?.removed, ...exceptions });
    }
    sendJson<ImportView>(res, importView(done));
  });
}

/** What each format can say, for the form. */
const FORMATS: ListFormat[] = EXPORTERS.map(exporter => ({
  format: exporter.format,
  about: exporter.about,
  says: capabilities(exporter),
  sets: LIST_SETS.filter(set =>
    exporter.actions.includes(set === 'deny' || set === 'allow' || set === 'passthrough' ? set : 'seen'),
  ),
  exceptions: {
    none: 'Exceptions cannot be written; names that have some are withheld.',
    'they-win': 'An exception always wins.',
    'longest-wins': 'Of two entries the longer name wins, so exceptions are kept.',
  }[exporter.exceptions],
  precedence: exporter.precedence,
}));

/** Where a list comes from, as the policy writes it: a file or an address; null for what stands in the policy itself. */
function originOf(source: ListSource): string | null {
  return source.kind === 'file' ? source.file : source.kind === 'url' ? source.url : null;
}

/** How the copy of a fetched or learned list is; null for others. */
export async function copyOf(source: ListSource, dir: string, now: number): Promise<ListCopy | null> {
  if (source.kind !== 'url' && source.kind !== 'learned') return null;
  const { fetched, checked, failed, signed, held } = await copyFacts(dir, source);
  return {
    fetched,
    checked,
    refresh: source.refresh,
    overdue: checked !== null && now - Date.parse(checked) > 2 * source.refresh,
    failed: failed === null ? null : { time: failed.time, message: failed.message },
    untrusted: failed?.untrusted === true,
    signature: signed,
    held,
  };
}

/** Rules by the lists they name. */
function usersOf(rules: readonly Rule[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const rule of rules)
    for (const list of new Set(rule.when === null ? [] : listsOf(rule.when)))
      users.set(list, [...(users.get(list) ?? []), rule.name]);
  return users;
}

function listsOf(condition: Condition): string[] {
  switch (condition.test) {
    case 'all':
    case 'any':
      return condition.of.flatMap(listsOf);
    case 'not':
      return listsOf(condition.of);
    case 'host':
      return condition.lists;
    default:
      return [];
  }
}

/** Problems in a list's file, or at the line of the policy that names it. */
function ofList(
  problems: readonly FileProblem[],
  policyFile: string,
  path: string | null,
  line: number,
): FileProblem[] {
  return problems.filter(
    p => (path !== null && p.file === path) || (p.file === policyFile && p.line === line),
  );
}

function noList(name: string): ApiFailure {
  return new ApiFailure(
    'not-found',
    `The policy has no list "${name.slice(0, 64)}".`,
    'Reload the page; the policy may have changed.',
  );
}

function exportParams(req: Request, now: number): ListExportParams {
  const set = choiceParam<ListSet>(req, 'set', LIST_SETS, 'deny');
  const format = choiceParam(
    req,
    'format',
    EXPORTERS.map(e => e.format),
    'plain',
  );
  const list = textParam(req, 'list');
  const since = textParam(req, 'since');
  if (since !== null && parseTime(since, now) === null)
    throw new ApiFailure('bad-request', 'The parameter "since" is no time.', TIME_HINT);
  const proxy = textParam(req, 'proxy');
  if (proxy !== null && !/^[A-Za-z0-9.:[\]-]{1,260}$/.test(proxy))
    throw new ApiFailure('bad-request', 'The proxy is no address.', 'Write proxy.example.com:8080.');
  const clients = countParam(req, 'minClients', 0, 0, 1_000_000);
  const flows = countParam(req, 'minFlows', 0, 0, 1_000_000_000);
  return {
    set,
    format,
    ...(list === null ? {} : { list }),
    ...(choiceParam(req, 'narrow', ['yes', 'no'], 'no') === 'yes' ? { narrow: 'yes' as const } : {}),
    ...(since === null ? {} : { since }),
    ...(proxy === null ? {} : { proxy }),
    ...(clients === 0 ? {} : { minClients: String(clients) }),
    ...(flows === 0 ? {} : { minFlows: String(flows) }),
  };
}

function importParams(req: Request, author: string): ImportJob {
  const name = textParam(req, 'name') ?? '';
  if (!LIST_NAME.test(name))
    throw new ApiFailure(
      'bad-request',
      'The name of the list is missing or not usable.',
      'Use letters, digits, dot, dash and underscore.',
    );
  const format = textParam(req, 'format');
  if (format !== null && !IMPORTERS.some(i => i.format === format))
    throw new ApiFailure('bad-request', 'The format is unknown.', 'Let it be told from the content.');
  const expect = textParam(req, 'expect');
  const comment = (textParam(req, 'comment', COMMENT_MAX) ?? '').trim().replace(/\s+/g, ' ');
  if (expect !== null && comment === '')
    throw new ApiFailure(
      'bad-request',
      'The comment is missing.',
      'Say in a sentence why; it stands in the history.',
    );
  const category = textParam(req, 'category', 2000);
  const exceptions = textParam(req, 'exceptions');
  if (exceptions !== null && (!LIST_NAME.test(exceptions) || exceptions === name))
    throw new ApiFailure(
      'bad-request',
      'The list of the exceptions needs a usable name of its own.',
      'A list either holds names or excepts them: name another one.',
    );
  return {
    name,
    file: basename(textParam(req, 'file') ?? 'pasted text')
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')
      .slice(0, 120),
    format,
    bare: choiceParam(req, 'bare', ['exact', 'both'], 'exact'),
    add: choiceParam(req, 'mode', ['replace', 'add'], 'replace') === 'add',
    suffixes: choiceParam(req, 'suffixes', ['yes', 'no'], 'no') === 'yes',
    categories: category === null ? null : category.split(','),
    exceptions,
    apply: expect === null ? null : { expect, author, comment },
  };
}

function importView({
  report,
  exceptionsLeft,
  plan,
  exceptionsPlan,
  written,
}: DeskResult['import']): ImportView {
  const { format, detected, bytes, entries, ignored, rejected, reasons, rejects, categories } = report;
  return {
    format,
    detected,
    bytes,
    entries,
    ignored,
    rejected,
    rejects,
    reasons: byCount(reasons).map(([reason, count]) => ({ reason, count })),
    categories: byCount(categories)
      .slice(0, 500)
      .map(([name, count]) => ({ name, entries: count })),
    exceptionsLeft,
    plan,
    exceptionsPlan,
    written,
  };
}

function casesOf({ total, reasons, first }: DeskResult['export']['report']['withheld']): ExportCases {
  return { total, first, reasons: byCount(reasons).map(([reason, count]) => ({ reason, count })) };
}

function byCount(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}
