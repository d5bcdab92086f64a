/**
 * The Debian package as its users meet it: installed, run as its own user, upgraded, removed and purged, in a root of its own
 * (an overlay that is thrown away) without any other Node. There is no systemd here to start the unit: its file is judged
 * by systemd-analyze, and the service is started by hand as the unit would.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

/** Runs in the overlay's root; each `say` becomes a line `name=value`. */
const LIFE = `
set -eu
say() { echo "$1=$2"; }
ip link set lo up
rm -f /usr/bin/node /usr/local/bin/node
dpkg -i /first.deb >/dev/null
say version "$(sightglass --version)"
say user "$(getent passwd sightglass | cut -d: -f6,7)"
say folder "$(stat -c '%U %a' /var/lib/sightglass)"
serve() {
  setpriv --reuid=sightglass --regid=sightglass --clear-groups --no-new-privs --bounding-set=-all \\
    sightglass start > /tmp/out 2> /tmp/err &
  pid=$!
  for i in $(seq 600); do grep -q '^ready' /tmp/out && break; kill -0 $pid 2>/dev/null || break; sleep 0.1; done
  say ready "$(grep '^ready' /tmp/out || tail -1 /tmp/err)"
  say root "$(curl -s http://127.0.0.1:8080/ca.pem | openssl x509 -noout -fingerprint -sha256)"
  kill $pid
  wait $pid && say stopped 0 || say stopped $?
}
serve
echo '# a change of the administrator' >> /etc/sightglass/sightglass.yaml
dpkg -i /second.deb >/dev/null
say version "$(sightglass --version)"
say kept "$(tail -1 /etc/sightglass/sightglass.yaml)"
serve
dpkg -r sightglass >/dev/null
say removed "$(test -e /usr/lib/sightglass || echo gone) $(test -e /etc/sightglass && echo settings-stay)"
dpkg -P sightglass | grep sightglass: | sed 's/^/said=/'
say purged "$(test -e /etc/sightglass || echo gone) $(test -e /var/lib/sightglass/ca/authority.key && echo authority-stays)"
say leftovers "$(dpkg -l sightglass 2>/dev/null | grep -c '^[a-z]i' || true)"
`;

describe('the Debian package', { timeout: 240_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sightglass-deb-'));
  const pack = (folder: string): string =>
    execFileSync(
      process.execPath,
      ['scripts/package.mjs', '--fast', '--version', '0.0.1', '--out', join(dir, folder)],
      { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    ).trim();
  let first = '';
  let second = '';
  before(() => {
    first = pack('first');
    // The next version, as far as dpkg is concerned.
    const tree = join(dir, 'tree');
    execFileSync('dpkg-deb', ['-R', first, tree]);
    for (const file of ['DEBIAN/control', 'usr/lib/sightglass/package.json']) {
      const path = join(tree, file);
      writeFileSync(path, readFileSync(path, 'utf8').replace('0.0.1', '0.0.2'));
    }
    second = join(dir, 'second.deb');
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', tree, second]);
  });
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  test('installs, serves as its own user, upgrades, is removed and purged; authority and records stay', () => {
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'life.sh'), LIFE);
    const script = `
      set -eu
      mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
      mount -t proc proc "$1/root/proc"
      mount --rbind /dev "$1/root/dev"
      mount -t tmpfs tmpfs "$1/root/run"
      cp "$2" "$1/root/first.deb"; cp "$3" "$1/root/second.deb"; cp "$1/life.sh" "$1/root/life.sh"
      exec chroot "$1/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive sh /life.sh`;
    const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const ran = spawnSync(
      'unshare',
      ['--mount', '--net', '--pid', '--fork', ...asRoot, 'sh', '-c', script, 'sh', dir, first, second],
      { encoding: 'utf8', timeout: 180_000 },
    );
    assert.equal(ran.status, 0, `${ran.stdout}\n${ran.stderr}`);
    const said = (name: string): string[] =>
      ran.stdout
        .split('\n')
        .flatMap(line => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
    assert.deepEqual(said('version'), ['0.0.1', '0.0.2']);
    assert.deepEqual(said('user'), ['/var/lib/sightglass:/usr/sbin/nologin']);
    assert.deepEqual(said('folder'), ['sightglass 700']);
    assert.deepEqual(
      said('ready').map(line => /^ready proxy=\S+:8080 console=http:\/\/127\.0\.0\.1:9080/.test(line)),
      [true, true],
      ran.stdout,
    );
    const [before, afterUpgrade] = said('root');
    assert.match(before ?? '', /Fingerprint=/);
    assert.equal(afterUpgrade, before, 'the same authority after the upgrade');
    assert.deepEqual(said('stopped'), ['0', '0']);
    assert.deepEqual(said('kept'), ['# a change of the administrator']);
    assert.deepEqual(said('removed'), ['gone settings-stay']);
    assert.match(said('said').join('\n'), /stay in \/var\/lib\/sightglass/);
    assert.deepEqual(said('purged'), ['gone authority-stays']);
    assert.deepEqual(said('leftovers'), ['0']);
  });

  test('the same sources give the same bytes', () => {
    assert.ok(readFileSync(pack('again')).equals(readFileSync(first)));
  });

  test('systemd finds no fault with the unit, and little exposure', () => {
    // The unit names the command of the package, which is not installed here.
    const unit = join(dir, 'sightglass.service');
    const text = readFileSync(join(ROOT, 'deploy/systemd/sightglass.service'), 'utf8');
    writeFileSync(unit, text.replace('ExecStart=/usr/bin/sightglass', 'ExecStart=/bin/true'));
    const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
    assert.equal(verified.status, 0, verified.stderr);
    assert.doesNotMatch(verified.stderr, /sightglass/);
    const judged = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
    });
    const exposure = Number(
      /Overall exposure level for sightglass\.service: ([\d.]+)/.exec(judged.stdout)?.[1],
    );
    assert.ok(exposure > 0 && exposure <= 2, judged.stdout.slice(-300));
  });
});
