/**
 * Writes what the documentation repeats from the sources: the settings table and the command list in README.md, the guides
 * in docs/deployment.md, and the files of docs/reference. Run it by `node --import tsx scripts/docs.mjs`; with --check
 * nothing is written and drift is an error. test/house/docs.test.ts runs the same functions.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { guideText } from '../ca/kits/guide.ts';
import { kitGuides } from '../ca/kits/kit.ts';
import { fixedProxy } from '../ca/kits/plan.ts';
import { FAULTS } from '../src/core/faults.ts';
import { CATALOGUE, SETTING_NAMES, defaultText, variableOf } from '../src/settings/catalogue.ts';
import { VERBS } from '../src/cli/verbs.ts';
import { ANSWERS, CHECKS } from '../src/control/doctor/answer.ts';
import { METRICS } from '../src/control/metrics.ts';

const root = resolve(import.meta.dirname, '..');

/** What every generated file should hold, by path from the root. README.md is taken as it is and its marked parts replaced. */
export function generated() {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  return {
    'README.md': fill(fill(readme, 'settings', settingsTable()), 'verbs', verbList()),
    'docs/deployment.md': fill(
      readFileSync(join(root, 'docs/deployment.md'), 'utf8'),
      'guides',
      deploymentGuides(),
    ),
    'docs/reference/settings.md': settingsReference(),
    'docs/reference/faults.md': faultsReference(),
    'docs/reference/metrics.md': metricsReference(),
    'docs/reference/doctor.md': doctorReference(),
  };
}

const cell = text => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = text => `\`${text}\``;

/** The short table of the README: name, default, first sentence of the help. */
export function settingsTable() {
  const rows = SETTING_NAMES.map(name => {
    const { help } = CATALOGUE[name];
    return `| ${code(name)} | ${cell(shortDefault(name))} | ${cell(firstSentence(help))} |`;
  });
  return ['| setting | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

function shortDefault(name) {
  const text = defaultText(name);
  const values = text.split(', ');
  if (values.length > 4) return `${values.slice(0, 3).map(code).join(', ')} and ${values.length - 3} more`;
  return CATALOGUE[name].defaultText === undefined && text !== 'none' ? values.map(code).join(', ') : text;
}

function firstSentence(help) {
  return /^.*?[.](?= |$)/.exec(help)?.[0] ?? help;
}

/** Every setting in full: kind, variable, whole default, whole help. */
export function settingsReference() {
  const entries = SETTING_NAMES.map(name => {
    const setting = CATALOGUE[name];
    const kind = code(setting.kind.label) + (setting.repeatable ? ', repeatable' : '');
    return `### ${code(name)}\n\n${setting.help}\n\n* value: ${kind}\n* default: ${code(defaultText(name)).replace(/^`(.*`.*)`$/, '$1')}\n* variable: ${code(variableOf(name))}`;
  });
  return `# Settings

Generated from \`src/settings/catalogue.ts\` by \`scripts/docs.mjs\`; do not edit.

A setting has one name everywhere: a flag (\`--proxy.listen 127.0.0.1:8080\`), a variable (\`SIGHTGLASS_PROXY_LISTEN\`) and a
key of the YAML file that \`--config\` or \`SIGHTGLASS_CONFIG\` names (nested or dotted). Flags win over variables, variables
over the file, the file over the default. A list given in one place replaces the whole list of the weaker ones; the word
\`none\` stands for the empty list. In flags and variables commas divide the entries of a list, except in paths given as
flags, which are repeated instead. An empty variable counts as not set. Relative paths start at the working folder, those
in the file at the folder of the file.

Durations are written with their unit (\`250ms\`, \`10s\`, \`5m\`, \`1h\`, \`30d\`), sizes in bytes or with one (\`64KiB\`, \`2GB\`).

${entries.join('\n\n')}
`;
}

/** The fault catalogue for people who found a code in a record. */
export function faultsReference() {
  const rows = Object.entries(FAULTS).map(
    ([name, fault]) =>
      `| ${code(name)} | ${fault.side} | ${fault.phase} | ${fault.status} | ${fault.retry ? 'yes' : 'no'} | ${cell(fault.summary)} ${cell(fault.hint)} |`,
  );
  return `# Faults

Generated from \`src/core/faults.ts\` by \`scripts/docs.mjs\`; do not edit.

The code in the \`fault\` column of a record. *Side* says who has to act: the client, the origin, or us. *Phase* is where in
the life of a connection it struck. *Status* is that of the page that tells it, where a page is possible. *Retry* says
whether the same attempt may succeed a moment later.

| code | side | phase | status | retry | what happened, and what to do |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** What the doctor can answer, for people and for scripts that read its codes. */
export function doctorReference() {
  const parts = Object.entries(CHECKS).map(([check, question]) => {
    const rows = Object.entries(ANSWERS)
      .filter(([name]) => name.startsWith(`${check}-`))
      .map(([name, { state, next }]) => `| ${code(name)} | ${state} | ${cell(next ?? '')} |`);
    return `## ${question}\n\n| answer | state | next step |\n|---|---|---|\n${rows.join('\n')}`;
  });
  return `# Doctor

Generated from \`src/control/doctor/answer.ts\` by \`scripts/docs.mjs\`; do not edit.

\`sightglass doctor\` examines an installation, with or without a running proxy, and changes nothing. \`--host NAME\` names
origins to try; without it those are tried that the records of the last day name most often. \`--json\` prints the answers with
these codes. It exits with 1 when an answer is \`bad\`.

*good* needs nothing; *attention* works, but will not stay so or not for everybody; *bad* is broken; *unknown* could not be
seen.

${parts.join('\n\n')}
`;
}

/** The metrics for people who write dashboards and alarms. */
export function metricsReference() {
  const rows = Object.entries(METRICS).map(
    ([name, { type, labels, help }]) =>
      `| ${code(name)} | ${type} | ${labels.map(code).join(', ') || 'none'} | ${cell(help)} |`,
  );
  return `# Metrics

Generated from \`src/control/metrics.ts\` by \`scripts/docs.mjs\`; do not edit.

Served at \`/metrics\` of the address that \`metrics.listen\` names (off by default), beside \`/healthz\` (the process lives) and
\`/readyz\` (it takes connections and can record them; otherwise the obstacles, a line each). Counters add up all workers
and do not go back when one of them dies. The figures of the control process itself (\`process_*\`, \`nodejs_*\`) are those
of prom-client.

A dashboard for Grafana and alert rules for Prometheus lie in \`deploy/observability\`.

| metric | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

/** The guides of a kit, with placeholders for what differs from root to root. */
export function deploymentGuides() {
  const example = {
    der: Buffer.alloc(0),
    pem: '',
    role: 'current',
    name: 'Sightglass CA',
    file: 'sightglass-root-XXXXXXXX',
    sha1: 'THUMBPRINT',
    sha256: 'FINGERPRINT',
    until: '2036-11-20',
  };
  const plan = {
    roots: [example],
    retired: [],
    proxy: fixedProxy('proxy.example.com:8080'),
    time: '2026-11-20T00:00:00',
    id: purpose => (purpose.includes('undo') ? 'UNDO-ID' : 'BACKUP-ID'),
  };
  return kitGuides(plan)
    .map(guide => guideText(guide, 3))
    .join('\n');
}

/** The verbs as a list for the README. */
export function verbList() {
  return Object.entries(VERBS)
    .map(([name, verb]) => `* ${code(`sightglass ${name}`)}: ${verb.summary}`)
    .join('\n');
}

/** Replace what stands between \`<!-- NAME -->\` and \`<!-- /NAME -->\`. */
function fill(document, name, content) {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = document.indexOf(open);
  const to = document.indexOf(close);
  if (from < 0 || to < from) throw new Error(`there is no place for ${name}: ${open} … ${close}`);
  return `${document.slice(0, from + open.length)}\n${content}\n${document.slice(to)}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const check = process.argv.includes('--check');
  for (const [path, content] of Object.entries(generated())) {
    const full = join(root, path);
    let before = null;
    try {
      before = readFileSync(full, 'utf8');
    } catch {
      // A file that is not there yet is written.
    }
    if (before === content) continue;
    if (check) {
      console.error(`docs: ${path} is not what the sources say; run node --import tsx scripts/docs.mjs`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      console.error(`docs: wrote ${path}`);
    }
  }
}
