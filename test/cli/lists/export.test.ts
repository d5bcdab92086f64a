import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, lists } from './run.ts';

const POLICY = `version: 1
default: inspect
lists: { deny: { domains: [ .bad.test, one.test ] } }
rules:
  - { name: ok, when: { host: .ok.bad.test }, action: passthrough }
  - { name: deny, when: { host: 'list:deny' }, action: block }
  - { name: night, when: { host: n.test, time: { window: '22:00-06:00', zone: UTC } }, action: block }
`;

describe('lists export', () => {
  it('prints the names of an action, and tells what it withholds', async t => {
    const dir = await folder(t, { 'policy.yaml': POLICY });
    const args = ['export', '--action', 'deny', '--policy.file', join(dir, 'policy.yaml')];
    const rpz = await lists(t, ...args, '--format', 'rpz');
    assert.match(rpz.out, /^; Sightglass list "sightglass-deny" \(deny\)/);
    assert.match(rpz.out, /\nok\.bad\.test CNAME rpz-passthru\.\n/);
    assert.match(rpz.err, /rpz: 2 names, 1 exceptions/);
    assert.match(rpz.err, /note: rule "night" depends on more than the host/);
    const hosts = await lists(t, ...args, '--format', 'hosts');
    assert.match(hosts.out, /0\.0\.0\.0 one\.test\n$/);
    assert.match(hosts.err, /1 withheld: has exceptions that hosts cannot hold\n {4}\.bad\.test/);
    const passing = await lists(
      t,
      'export',
      '--action',
      'passthrough',
      '--format',
      'plain',
      '--policy.file',
      join(dir, 'policy.yaml'),
    );
    assert.match(passing.out, /\n\.ok\.bad\.test\n$/);
  });

  it('writes a file whole, or a folder where the consumer needs several files', async t => {
    const dir = await folder(t, { 'policy.yaml': POLICY });
    const args = ['export', '--action', 'deny', '--policy.file', join(dir, 'policy.yaml')];
    await lists(t, ...args, '--format', 'plain', '--list', 'deny', '--out', join(dir, 'out', 'names.txt'));
    assert.match(await readFile(join(dir, 'out', 'names.txt'), 'utf8'), /\n\.bad\.test\none\.test\n$/);
    await lists(t, ...args, '--format', 'haproxy', '--list', 'deny', '--out', join(dir, 'ha'));
    assert.deepEqual((await readdir(join(dir, 'ha'))).sort(), ['deny.exact.lst', 'deny.suffix.lst']);
    await lists(t, ...args, '--format', 'squidguard', '--list', 'deny', '--out', join(dir, 'sg'));
    assert.deepEqual((await readdir(join(dir, 'sg', 'deny'))).sort(), ['domains', 'urls']);
    await lists(t, ...args, '--format', 'csv', '--name', 'mine', '--out', join(dir, 'ha'));
    assert.ok(
      (await readdir(join(dir, 'ha'))).includes('mine.csv'),
      'a folder takes single files under their names',
    );
    await assert.rejects(lists(t, ...args, '--format', 'haproxy'), {
      message: /several files/,
      hint: /--out/,
    });
  });

  it('prints its report as JSON beside the data', async t => {
    const dir = await folder(t, { 'policy.yaml': POLICY });
    const { err } = await lists(
      t,
      'export',
      '--action',
      'deny',
      '--format',
      'hosts',
      '--narrow',
      '--list',
      'deny',
      '--json',
      '--policy.file',
      join(dir, 'policy.yaml'),
    );
    const json = JSON.parse(err) as { written: number; narrowed: { total: number }; files: string[] };
    assert.deepEqual([json.written, json.narrowed.total, json.files], [2, 1, ['deny.hosts']]);
  });

  it('finds nothing seen where there are no records', async t => {
    const dir = await folder(t, {});
    const { out, err } = await lists(
      t,
      'export',
      '--action',
      'seen',
      '--format',
      'csv',
      '--data-dir',
      dir,
      '--min-clients',
      '2',
      '--until',
      '1d',
    );
    assert.equal(out, 'pattern,match,action,source,category,comment,added_by,expires\n');
    assert.match(err, /0 flows looked at/);
  });

  it('refuses what makes no sense', async t => {
    const dir = await folder(t, { 'policy.yaml': POLICY, 'bad.yaml': 'version: 2\n' });
    const policy = ['--policy.file', join(dir, 'policy.yaml')];
    const refused = async (wanted: object, ...argv: string[]): Promise<void> => {
      await assert.rejects(lists(t, 'export', ...argv), wanted);
    };
    await refused(
      { message: /no list "x"/ },
      '--action',
      'deny',
      '--format',
      'plain',
      '--list',
      'x',
      ...policy,
    );
    await refused({ message: /cannot say/ }, '--action', 'allow', '--format', 'hosts', ...policy);
    await refused(
      { message: /there is no policy/, exitCode: 1 },
      '--action',
      'deny',
      '--format',
      'plain',
      '--data-dir',
      dir,
      '--policy.file',
      join(dir, 'none.yaml'),
    );
    await refused(
      { message: /bad\.yaml:1:10/ },
      '--action',
      'deny',
      '--format',
      'plain',
      '--policy.file',
      join(dir, 'bad.yaml'),
    );
    await refused(
      { message: /no time/ },
      '--action',
      'seen',
      '--format',
      'plain',
      '--since',
      'noon',
      '--data-dir',
      dir,
    );
    await refused(
      { message: /no number/ },
      '--action',
      'seen',
      '--format',
      'plain',
      '--min-flows',
      'x',
      '--data-dir',
      dir,
    );
    await refused(
      { message: /--query/ },
      '--action',
      'seen',
      '--format',
      'plain',
      '--query',
      'nope:x',
      '--data-dir',
      dir,
    );
  });
});
