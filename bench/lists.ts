/**
 * Long lists in numbers: 200 MB in each importable format, made on the way, through the importer alone; then the whole way
 * of one into a policy (`lists import`) and of one from a publisher (`lists fetch`). Each row runs in a process of its own.
 * Run: node --import tsx bench/lists.ts [--mb 200] [--json]
 *
 * Times are CPU time of the process, memory its highest resident size. Nothing here gates.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DomainSetBuilder } from '../src/policy/domain-set.ts';
import { importList } from '../src/policy/lists/import.ts';
import { install, planInstall } from '../src/policy/lists/install.ts';
import { refreshUrl } from '../src/policy/sources.ts';

interface Row {
  what: string;
  names: number;
  rejected: number;
  cpuSeconds: number;
  megabytes: number;
}

const MB = 1024 * 1024;
const LINES: Record<string, (name: string) => string> = {
  plain: n => n,
  hosts: n => `0.0.0.0 ${n}`,
  adblock: n => `||${n}^`,
  dnsmasq: n => `address=/${n}/`,
  unbound: n => `local-zone: "${n}." always_nxdomain`,
  rpz: n => `${n} CNAME .`,
  squid: n => `.${n}`,
  squidguard: n => n,
  csv: n => `${n},both,deny,,,,,`,
  nginx: n => `.${n} 1;`,
  haproxy: n => n,
  'pan-edl': n => `*.${n}`,
};
const HEADS: Record<string, string> = {
  csv: 'pattern,match,action,source,category,comment,added_by,expires\n',
  rpz: '$TTL 60\n@ SOA localhost. root.localhost. 1 60 60 60 60\n@ NS localhost.\n',
};
const WAYS = [...Object.keys(LINES).map(f => `read ${f}`), 'import hosts', 'fetch hosts'];

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    one: { type: 'string' },
  },
});
const bytes = Number(values.mb) * MB;
if (values.one === undefined) all();
else console.log(JSON.stringify(await one(values.one)));

function all(): void {
  const rows = WAYS.map(way => {
    const script = fileURLToPath(import.meta.url);
    const run = spawnSync(process.execPath, [...process.execArgv, script, '--mb', values.mb, '--one', way], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (run.status !== 0) throw new Error(`${way} failed`);
    return JSON.parse(run.stdout) as Row;
  });
  if (values.json) {
    console.log(JSON.stringify({ megabytes: Number(values.mb), cpu: cpus()[0]?.model ?? '', rows }));
    return;
  }
  console.log(
    `Lists of ${values.mb} MB; Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? ''}\n`,
  );
  console.log('| what | names | rejected | CPU s | memory MB |\n|---|---:|---:|---:|---:|');
  for (const r of rows)
    console.log(
      `| ${r.what} | ${r.names.toLocaleString('en')} | ${r.rejected} | ${r.cpuSeconds.toFixed(1)} | ${r.megabytes} |`,
    );
}

async function one(way: string): Promise<Row> {
  const [verb = '', format = ''] = way.split(' ');
  const done = (names: number, rejected: number): Row => {
    const { user, system } = process.cpuUsage();
    const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
    return { what: way, names, rejected, cpuSeconds: (user + system) / 1e6, megabytes };
  };
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-bench-lists-'));
  try {
    if (verb === 'fetch') {
      const pieces: Buffer[] = [];
      for await (const piece of list(format)) pieces.push(piece);
      const body = Buffer.concat(pieces);
      const source = {
        kind: 'url' as const,
        url: 'https://lists.test/l',
        refresh: 1,
        sha256: null,
        maxSize: bytes * 2,
        format: null,
        allowPublicSuffix: false,
      };
      const { facts } = await refreshUrl(source, dir, 0, () =>
        Promise.resolve({ kind: 'new', body, etag: null, lastModified: null }),
      );
      return done(facts.entries, facts.rejected);
    }
    const builder = new DomainSetBuilder();
    let names = 0;
    const report = await importList(
      list(format),
      e => {
        names++;
        if (verb === 'import') builder.add(e);
      },
      { format, breathe: () => breathe() },
    );
    if (verb === 'import') {
      const policy = join(dir, 'policy.yaml');
      writeFileSync(policy, 'version: 1\n');
      const plan = await planInstall(policy, 'l', builder, {
        add: false,
        allowPublicSuffix: false,
        breathe: () => breathe(),
      });
      await install(plan, 'bench');
    }
    return done(names, report.rejected);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function* list(format: string): AsyncGenerator<Buffer> {
  const line = LINES[format] ?? ((n: string) => n);
  let i = 0;
  let sent = 0;
  for (let text = HEADS[format] ?? ''; sent < bytes; text = '') {
    while (text.length < 1 << 18) text += `${line(`host${++i}.example${i % 977}.test`)}\n`;
    sent += text.length;
    yield await Promise.resolve(Buffer.from(text));
  }
}
