import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { SettingsError, loadSettings, loadSettingsWithOrigins } from '../../src/settings/load.ts';
import type { SettingsInput } from '../../src/settings/load.ts';
import type { SettingProblem } from '../../src/settings/problem.ts';

const folder = mkdtempSync(join(tmpdir(), 'sightglass-settings-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function yaml(text: string): string {
  const path = join(folder, `settings-${++files}.yaml`);
  writeFileSync(path, text);
  return path;
}

const load = (input: SettingsInput) => loadSettings({ ...input, env: { HOME: folder, ...input.env } });

function problemsOf(input: SettingsInput): readonly SettingProblem[] {
  try {
    load(input);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems;
  }
  return assert.fail('the settings were accepted');
}

describe('precedence', () => {
  const file = yaml('timeout:\n  idle: 1m\n  dial: 2s\n  hello: 3s\n');
  it('takes flags before environment before file before default', () => {
    const settings = load({
      file,
      env: { SIGHTGLASS_TIMEOUT_IDLE: '2m', SIGHTGLASS_TIMEOUT_DIAL: '4s' },
      flags: { 'timeout.idle': '3m' },
    });
    assert.equal(settings['timeout.idle'], 180_000);
    assert.equal(settings['timeout.dial'], 4000);
    assert.equal(settings['timeout.hello'], 3000);
    assert.equal(settings['timeout.response'], 120_000);
  });

  it('tells where each value came from', () => {
    const { origins, file: read } = loadSettingsWithOrigins({
      file,
      env: { HOME: folder, SIGHTGLASS_TIMEOUT_DIAL: '4s' },
      flags: { 'timeout.idle': '3m' },
    });
    assert.equal(origins['timeout.idle'], 'flag --timeout.idle');
    assert.equal(origins['timeout.dial'], 'variable SIGHTGLASS_TIMEOUT_DIAL');
    assert.equal(origins['timeout.hello'], `${file}:4:3`);
    assert.equal(origins['timeout.response'], 'default');
    assert.equal(read, file);
  });

  it('takes a list as a whole from the strongest layer', () => {
    const settings = load({
      file: yaml('egress.allow: [10.0.0.0/8, "::1"]\n'),
      flags: { 'egress.allow': ['127.0.0.1', '192.0.2.0/24,198.51.100.0/24'] },
    });
    assert.deepEqual(
      settings['egress.allow'].map(([a, n]) => `${a.toString()}/${n}`),
      ['127.0.0.1/32', '192.0.2.0/24', '198.51.100.0/24'],
    );
  });

  it('counts an empty variable as not set', () => {
    assert.equal(load({ env: { SIGHTGLASS_TIMEOUT_IDLE: '' } })['timeout.idle'], 300_000);
  });

  it('does not forgive a wrong value in the file because a flag hides it', () => {
    const [problem] = problemsOf({ file: yaml('timeout.idle: soon\n'), flags: { 'timeout.idle': '1m' } });
    assert.equal(problem?.key, 'timeout.idle');
    assert.match(problem.message, /no duration/);
  });

  it('reads the file that SIGHTGLASS_CONFIG names', () => {
    assert.equal(load({ env: { SIGHTGLASS_CONFIG: file } })['timeout.idle'], 60_000);
  });
});

describe('the file', () => {
  it('takes nested and dotted keys, also mixed', () => {
    const settings = load({
      file: yaml('proxy:\n  connect-ports: any\nlimits: { head: 32KiB }\naudit.durability: strict\n'),
    });
    assert.deepEqual(settings['proxy.connect-ports'], ['any']);
    assert.equal(settings['limits.head'], 32_768);
    assert.equal(settings['audit.durability'], 'strict');
  });

  it('accepts an empty file and a file of comments', () => {
    assert.equal(load({ file: yaml('') })['log.level'], 'info');
    assert.equal(load({ file: yaml('# nothing yet\nproxy:\n') })['log.level'], 'info');
  });

  it('names line, column and the nearest key for a key nobody knows', () => {
    const file = yaml('log.level: info\nproxy:\n  lisen: 127.0.0.1:1\n');
    const [problem, ...rest] = problemsOf({ file });
    assert.deepEqual(rest, []);
    assert.deepEqual(problem, {
      key: 'proxy.lisen',
      where: `${file}:3:3`,
      message: 'there is no such setting',
      suggestion: 'proxy.listen',
    });
  });

  it('points at the very entry of a list that is wrong', () => {
    const file = yaml('proxy.listen:\n  - 127.0.0.1:0\n  - example.com:80\n');
    const [problem] = problemsOf({ file });
    assert.equal(problem?.where, `${file}:3:5`);
    assert.match(problem.message, /no address of this machine/);
  });

  for (const [name, text, message] of [
    ['broken YAML', 'proxy: [\n', /not valid YAML/],
    ['a list at the top', '- a\n', /must hold keys and values/],
    ['a key that is set nested and dotted', 'timeout.idle: 1m\ntimeout: {idle: 2m}\n', /set twice/],
    ['a key set twice the same way', 'timeout.idle: 1m\ntimeout.idle: 2m\n', /not valid YAML/],
    ['a list for a single value', 'timeout.idle: [1m]\n', /one value, not a list/],
    ['a group with a value', 'timeout: 5s\n', /is a group of settings/],
    ['a setting without value', 'timeout.idle:\n', /has no value/],
    ['a map as value', 'timeout.idle: {a: 1}\n', /takes one plain value/],
    ['an alias', 'timeout.idle: &x 1m\ntimeout.dial: *x\n', /aliases/],
    ['a map in a list', 'egress.allow: [{a: 1}]\n', /every entry of the list/],
  ] as const)
    it(`refuses ${name}`, () => {
      const [problem] = problemsOf({ file: yaml(text) });
      assert.match(problem?.message ?? '', message);
    });

  it('says so when it is not there', () => {
    const [problem] = problemsOf({ file: join(folder, 'absent.yaml') });
    assert.match(problem?.message ?? '', /does not exist/);
  });

  it('reads relative paths from its own folder', () => {
    writeFileSync(join(folder, 'extra.pem'), 'x');
    const settings = load({ file: yaml('origin.extra-ca: extra.pem\n'), cwd: '/' });
    assert.deepEqual(settings['origin.extra-ca'], [join(folder, 'extra.pem')]);
  });
});

describe('everything at once', () => {
  it('reports every problem of every layer together', () => {
    const problems = problemsOf({
      file: yaml('limits.head: 64 potatoes\nproxi.listen: x\n'),
      env: { SIGHTGLASS_PROXY_LISTN: 'x', SIGHTGLASS_EGRESS_ALLOW: '10.0.0.1/8' },
      flags: { workes: '3', 'timeout.idle': '300', 'origin.extra-ca': [join(folder, 'nope.pem')] },
    });
    assert.deepEqual(
      problems.map(p => [p.key, p.suggestion]),
      [
        ['proxi.listen', 'proxy.listen'],
        ['SIGHTGLASS_PROXY_LISTN', 'SIGHTGLASS_PROXY_LISTEN'],
        ['workes', '--workers'],
        ['egress.allow', null],
        ['origin.extra-ca', null],
        ['limits.head', null],
        ['timeout.idle', null],
      ],
    );
  });

  it('puts each problem on a line of its own that names place and key', () => {
    try {
      load({ flags: { workers: '0', 'log.level': 'loud' } });
      assert.fail('accepted');
    } catch (error) {
      assert.deepEqual((error as Error).message.split('\n'), [
        'flag --workers: workers: 0 is out of range; from 1 to 256.',
        'flag --log.level: log.level: "loud" is not one of error, warn, info, debug.',
      ]);
    }
  });
});

describe('values that only make sense together', () => {
  it('refuses one port for proxy and console', () => {
    const [problem] = problemsOf({
      flags: { 'proxy.listen': '127.0.0.1:5000', 'console.listen': '127.0.0.1:5000' },
    });
    assert.match(problem?.message ?? '', /already taken by proxy.listen/);
  });

  it('lets port 0 stand twice', () => {
    const settings = load({ flags: { 'proxy.listen': '127.0.0.1:0', 'console.listen': '127.0.0.1:0' } });
    assert.deepEqual(settings['proxy.listen'], [{ host: '127.0.0.1', port: 0 }]);
  });

  it('refuses to have nothing to verify origins with', () => {
    const [problem] = problemsOf({ flags: { 'origin.trust': 'none' } });
    assert.equal(problem?.key, 'origin.trust');
  });

  it('refuses a single setting given twice', () => {
    const [problem] = problemsOf({ flags: { workers: ['1', '2'] } });
    assert.match(problem?.message ?? '', /exactly one value/);
  });
});

describe('the data directory', () => {
  it('defaults to XDG_DATA_HOME, then to HOME', () => {
    assert.equal(load({ env: { XDG_DATA_HOME: folder } })['data-dir'], join(folder, 'sightglass'));
    assert.equal(load({})['data-dir'], join(folder, '.local/share/sightglass'));
    assert.equal(
      load({ env: { XDG_DATA_HOME: 'relative' } })['data-dir'],
      join(folder, '.local/share/sightglass'),
    );
  });

  it('may not exist yet, but its nearest parent must be a folder', () => {
    assert.equal(load({ flags: { 'data-dir': 'a/b' }, cwd: folder })['data-dir'], join(folder, 'a/b'));
    writeFileSync(join(folder, 'plain'), '');
    const [problem] = problemsOf({ flags: { 'data-dir': join(folder, 'plain/below') } });
    assert.match(problem?.message ?? '', /no folder/);
  });

  it('is refused where this user may not write', () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    // Root may write into any folder, so for root a path through a device stands in for the one without permission.
    const path = process.getuid?.() === 0 ? '/dev/null/data' : join(closed, 'data');
    const problems = problemsOf({ flags: { 'data-dir': path } });
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', /may not be accessed|no folder/);
  });
});
