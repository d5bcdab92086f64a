/**
 * What the tests need from the operating system. As root on a Debian system whatever is missing is installed by apt, with
 * services kept from starting; anywhere else the missing parts are named and the script fails. Nothing is skipped.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

/** One need: how to see that it is there, which Debian package brings it, and what for. */
const NEEDS = [
  { package: 'chromium', why: 'browser tests', there: () => command('chromium') },
  { package: 'libnss3-tools', why: 'trust of the browser under test', there: () => command('certutil') },
  { package: 'nginx-light', why: 'TLS origin', there: () => command('nginx') },
  {
    package: 'libnginx-mod-stream',
    why: 'consumer of exported lists',
    there: () => existsSync('/usr/lib/nginx/modules/ngx_stream_module.so'),
  },
  {
    // The helper that only the build with OpenSSL has.
    package: 'squid-openssl',
    why: 'consumer of exported lists',
    there: () => existsSync('/usr/lib/squid/security_file_certgen'),
  },
  { package: 'squidguard', why: 'consumer of exported lists', there: () => command('squidGuard') },
  { package: 'haproxy', why: 'consumer of exported lists', there: () => command('haproxy') },
  { package: 'dnsmasq-base', why: 'consumer of exported lists', there: () => command('dnsmasq') },
  { package: 'unbound', why: 'consumer of exported lists', there: () => command('unbound') },
  { package: 'bind9', why: 'consumer of exported lists', there: () => command('named') },
  { package: 'bind9-utils', why: 'consumer of exported lists', there: () => command('named-checkzone') },
  { package: 'libpacparser1', why: 'consumer of exported PAC files', there: () => command('pactester') },
  { package: 'prometheus', why: 'judge of metrics and alert rules', there: () => command('promtool') },
  { package: 'minisign', why: 'independent judge of signed lists', there: () => command('minisign') },
  {
    package: 'e2fsprogs',
    why: 'file system under the store that turns read-only',
    there: () => command('mkfs.ext4'),
  },
  { package: 'rsyslog', why: 'receiver of streams', there: () => command('rsyslogd') },
  {
    package: 'rsyslog-openssl',
    why: 'TLS of the receiver of streams',
    there: () => inLibraries('rsyslog/lmnsd_ossl.so'),
  },
  { package: 'calamaris', why: 'reader of the Squid log', there: () => command('calamaris') },
  { package: 'goaccess', why: 'reader of Squid and W3C logs', there: () => command('goaccess') },
  {
    package: 'firefox-esr',
    why: 'browser that a deployment kit sets up',
    there: () => command('firefox-esr'),
  },
  {
    package: 'python3-samba',
    why: 'independent reader of group policy',
    there: () => existsSync('/usr/lib/python3/dist-packages/samba/gp'),
  },
  {
    package: 'python3-requests',
    why: 'client that a deployment kit sets up',
    there: () => existsSync('/usr/lib/python3/dist-packages/requests'),
  },
  {
    package: 'default-jdk-headless',
    why: 'client that a deployment kit sets up',
    there: () => command('javac'),
  },
  { package: 'git', why: 'client that a deployment kit sets up', there: () => command('git') },
  { package: 'shellcheck', why: 'judge of generated scripts', there: () => command('shellcheck') },
  { package: 'libxml2-utils', why: 'judge of generated XML', there: () => command('xmllint') },
  { package: 'systemd', why: 'judge of the service unit', there: () => command('systemd-analyze') },
  { package: 'age', why: 'independent reader of backups', there: () => command('age') },
  { package: 'adduser', why: 'installing the Debian package', there: () => command('adduser') },
  { package: 'iproute2', why: 'network name spaces of tests', there: () => command('ip') },
  { package: 'python3', why: 'receiver of what the service tells systemd', there: () => command('python3') },
  {
    package: 'postgresql',
    why: 'store of a fleet',
    there: () => existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').length > 0,
  },
  { package: 'curl', why: 'client', there: () => command('curl') },
  { package: 'openssl', why: 'independent judge of certificates', there: () => command('openssl') },
];

/** Packages that exclude one of the above: unpacked with what they need, never installed. */
const BESIDE = [
  {
    package: 'syslog-ng-core',
    binary: 'usr/sbin/syslog-ng',
    why: 'second receiver of streams, beside rsyslog',
  },
];
const UNPACKED = resolve(import.meta.dirname, '../.cache/unpacked');

const POLICY = '/usr/sbin/policy-rc.d';
const PATHS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'].filter(
  Boolean,
);

for (const { package: name, binary, why } of BESIDE)
  if (!existsSync(join(UNPACKED, name, binary)) && !unpack(name, binary)) {
    console.error(`apt: ${name} cannot be unpacked into ${UNPACKED} (${why})`);
    process.exit(1);
  }
const missing = NEEDS.filter(need => !need.there());
if (missing.length === 0) process.exit(0);
const names = missing.map(need => need.package);
if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || !command('apt-get')) {
  console.error('The tests need programs that are not installed here:');
  for (const { package: name, why } of missing) console.error(`  ${name.padEnd(18)} ${why}`);
  console.error(`As root on Debian: apt-get install --no-install-recommends ${names.join(' ')}`);
  process.exit(1);
}
console.error(`apt: installing ${names.join(' ')}`);
withServicesHeld(() => {
  // A fresh container has no package lists, an old one has lists of packages that are gone: fetch them when asked twice.
  if (apt('install', '-y', '--no-install-recommends', ...names) !== 0) {
    apt('update');
    apt('install', '-y', '--no-install-recommends', ...names);
  }
});
const still = missing.filter(need => !need.there());
if (still.length > 0) {
  console.error(`apt: still missing after the installation: ${still.map(need => need.package).join(' ')}`);
  process.exit(1);
}

/** Puts the files of a package, and of those it needs that are not installed, below UNPACKED; false when that fails. */
function unpack(name, binary) {
  console.error(`apt: unpacking ${name}`);
  mkdirSync(UNPACKED, { recursive: true });
  const work = mkdtempSync(join(UNPACKED, '.work-'));
  try {
    let debs = fetched(name, work);
    if (debs.length === 0 && process.getuid?.() === 0) {
      apt('update');
      debs = fetched(name, work);
    }
    const root = join(work, 'root');
    for (const deb of debs) spawnSync('dpkg', ['-x', deb, root], { cwd: work, stdio: ['ignore', 2, 2] });
    if (!existsSync(join(root, binary))) return false;
    rmSync(join(UNPACKED, name), { recursive: true, force: true });
    renameSync(root, join(UNPACKED, name));
    return true;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The package files that an installation would fetch, fetched into a folder. */
function fetched(name, work) {
  const plan = spawnSync('apt-get', ['-s', 'install', '--no-install-recommends', name], { encoding: 'utf8' });
  const packages = [...(plan.stdout ?? '').matchAll(/^Inst (\S+)/gm)].map(([, found]) => found);
  if (packages.length === 0) return [];
  spawnSync('apt-get', ['-q', 'download', ...packages], { cwd: work, stdio: ['ignore', 2, 2] });
  return readdirSync(work).filter(file => file.endsWith('.deb'));
}

/** Debian asks policy-rc.d before it starts a service; 101 means no. Whatever was there before is put back. */
function withServicesHeld(work) {
  const aside = `${POLICY}.before-sightglass`;
  const had = lstatSync(POLICY, { throwIfNoEntry: false }) !== undefined;
  if (had) renameSync(POLICY, aside);
  try {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
    work();
  } finally {
    rmSync(POLICY, { force: true });
    if (had) renameSync(aside, POLICY);
  }
}

function apt(...args) {
  const { status } = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status;
}

/** Whether a file lies in the library folder of this machine's kind, whatever that is called. */
function inLibraries(file) {
  return readdirSync('/usr/lib').some(folder => existsSync(join('/usr/lib', folder, file)));
}

function command(name) {
  return PATHS.some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
