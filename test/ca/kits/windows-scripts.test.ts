/**
 * No PowerShell exists for Debian, so nothing here runs the scripts. What can be checked without it: plain ASCII with CR LF,
 * every literal closed whatever a certificate is called, brackets in balance, data as in the kit, and no word that Windows
 * PowerShell 5.1 does not know.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fixedProxy } from '../../../ca/kits/plan.ts';
import { windowsSettings } from '../../../ca/kits/windows-settings.ts';
import { planKit } from '../../../ca/kits/plan.ts';
import { HOSTILE, ownRoot, read, TIME, unpack } from './sample.ts';

const SCRIPTS = ['install', 'verify', 'remove'] as const;

/** Code without comments and with every single-quoted literal emptied; the literals beside it. */
function lexed(script: string): { code: string; literals: string[] } {
  const literals: string[] = [];
  const code = script
    .replace(/<#[\s\S]*?#>/g, '')
    .replace(/'((?:[^']|'')*)'|#.*$/gm, (all, literal: string | undefined) => {
      if (literal === undefined) return '';
      literals.push(literal.replaceAll("''", "'"));
      return "''";
    });
  return { code, literals };
}

test('whatever a root is called, it stays data', t => {
  const root = ownRoot(t, HOSTILE.slice(0, 60));
  const proxy = fixedProxy('proxy.example.com:8080');
  const { dir } = unpack(t, {
    roots: [{ certificate: root, role: 'current' }],
    retired: [ownRoot(t)],
    proxy,
  });
  const settings = windowsSettings(
    planKit({ roots: [{ certificate: root, role: 'current' }], proxy, time: TIME }),
  );
  for (const name of SCRIPTS) {
    const script = read(dir, `windows-scripts/${name}.ps1`);
    assert.match(script, /^[\x20-\x7e\r\n]*$/, 'plain ASCII');
    assert.doesNotMatch(script, /[^\r]\n/);
    const { code, literals } = lexed(script);
    assert.doesNotMatch(code, /pwned|touch|`/);
    for (const [open, close] of ['{}', '()', '[]'].map(pair => [pair[0] ?? '', pair[1] ?? '']))
      assert.equal(code.split(open ?? '').length, code.split(close ?? '').length, `${open ?? ''} in ${name}`);
    assert.ok(!code.includes('"'), 'no literal in double quotes, which would be looked into');
    assert.ok(literals.includes(root.toString('base64')));
    assert.ok(literals.includes(createHash('sha1').update(root).digest('hex').toUpperCase()));
    for (const setting of settings.filter(s => s.hive === 'machine')) {
      assert.ok(literals.includes(`Registry::HKEY_LOCAL_MACHINE\\${setting.key}`));
      assert.ok(literals.includes(setting.name));
      if (setting.data.type === 'string') assert.ok(literals.includes(setting.data.text));
    }
  }
});

test('only what Windows PowerShell 5.1 knows', t => {
  const { dir } = unpack(t, { roots: [{ certificate: ownRoot(t), role: 'current' }], proxy: null });
  const known = new Set(
    `Set-StrictMode Get-ItemProperty New-Object Where-Object Write-Output Write-Warning Test-Path New-Item New-ItemProperty
     Remove-ItemProperty Out-Null Get-Current Test-Ours Open-RootStore Test-Trusted Read-Root Remove-Root`.split(
      /\s+/,
    ),
  );
  for (const name of SCRIPTS) {
    const { code } = lexed(read(dir, `windows-scripts/${name}.ps1`));
    const used = new Set(code.match(/\b[A-Z][a-z]+-[A-Z][A-Za-z]+\b/g));
    assert.deepEqual(
      [...used].filter(word => !known.has(word)),
      [],
    );
    assert.doesNotMatch(code, /\?\?|\?\.|&&|\|\||-Parallel|ternary/, 'operators of PowerShell 7');
    assert.match(code, /^\s*Set-StrictMode -Version 2\.0/m);
  }
  assert.match(read(dir, 'windows-scripts/install.ps1'), /^#Requires -RunAsAdministrator\r$/m);
  assert.doesNotMatch(
    read(dir, 'windows-scripts/verify.ps1'),
    /Set-Item|New-Item|\.Add\(|^#Requires -RunAs/m,
  );
});
