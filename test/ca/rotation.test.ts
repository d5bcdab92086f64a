/** The authority's life with an enterprise CA made by openssl, and openssl as the judge of what clients would see. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { describeAuthority, openAuthority } from '../../ca/authority.ts';
import { createIssuer } from '../../ca/issuer.ts';
import { describeLife } from '../../ca/life.ts';
import {
  cancelNext,
  finishRotation,
  importAnswer,
  importPair,
  prepareNext,
  requestSignature,
  switchAdvice,
  switchToNext,
} from '../../ca/rotation.ts';
import { deployableRoots } from '../../ca/roots.ts';
import { Fault } from '../../src/core/faults.ts';
import { enterprise } from './enterprise.ts';
import { ask, leafKey, linesOf, openssl, refuses, scratch, tryOpenssl } from './scratch.ts';

const PASSPHRASE = 'correct horse battery staple';
const KEY = leafKey();
const SUB = [
  'basicConstraints=critical,CA:TRUE,pathlen:0',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
];

/** What a client does: our leaf and what we send behind it, against the one root it trusts. */
async function clientSays(
  t: TestContext,
  dir: string,
  rootPem: string,
  name: string,
  crlUrl: string | null = null,
): Promise<{ ok: boolean; text: string; sent: string }> {
  const authority = openAuthority({ dir, passphrase: existsSync(join(dir, 'plain')) ? null : PASSPHRASE });
  const { certificate } = await createIssuer({ authority, crlUrl }).issue(ask(KEY.spki, { name }));
  const files = scratch(t);
  const [leaf, ...behind] = certificate.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
  writeFileSync(join(files, 'leaf.pem'), leaf ?? '');
  writeFileSync(join(files, 'sent.pem'), behind.join(''));
  writeFileSync(join(files, 'root.pem'), rootPem);
  const { code, text } = tryOpenssl([
    ...['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', name],
    ...['-CAfile', join(files, 'root.pem')],
    ...(behind.length === 0 ? [] : ['-untrusted', join(files, 'sent.pem')]),
    join(files, 'leaf.pem'),
  ]);
  return { ok: code === 0, text, sent: behind.join('') };
}

/** NSS, which Firefox and Chromium's Linux trust are made of, on the same: the root trusted, the rest only there. */
function nssSays(t: TestContext, rootPem: string, sent: string): string {
  const db = `sql:${scratch(t)}`;
  const certutil = (args: string[], input = ''): string => {
    const { stdout, stderr } = spawnSync('certutil', ['-d', db, ...args], { encoding: 'utf8', input });
    return stdout + stderr;
  };
  certutil(['-N', '--empty-password']);
  certutil(['-A', '-a', '-n', 'root', '-t', 'C,,'], rootPem);
  const links = sent.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
  links.forEach((link, i) => certutil(['-A', '-a', '-n', `link-${i}`, '-t', ',,'], link));
  return certutil(['-V', '-n', 'link-0', '-u', 'V']);
}

test('a rotation: both roots deployable, then the other one signs, then the first is given up', async t => {
  const dir = join(scratch(t), 'ca');
  const options = { dir, passphrase: PASSPHRASE };
  const old = openAuthority(options);
  refuses(() => switchToNext(options), 'absent', []);
  const next = prepareNext(options);
  const secrets = [...linesOf(join(dir, 'next.key')), ...linesOf(join(dir, 'authority.key')), PASSPHRASE];
  assert.match(readFileSync(join(dir, 'next.key'), 'utf8'), /ENCRYPTED PRIVATE KEY/);
  refuses(() => prepareNext(options), 'busy', secrets);
  assert.equal(describeLife(dir).state, 'overlap');
  assert.deepEqual(
    deployableRoots(dir).roots.map(r => [r.role, r.certificate]),
    [
      ['current', old.certificateDer],
      ['next', next],
    ],
  );
  // The old one signs on; the new one can be tried.
  const both = openAuthority(options);
  assert.equal(both.certificatePem, old.certificatePem);
  assert.equal(both.ownPems.length, 2);
  const trial = await createIssuer({ authority: both }).issue(ask(KEY.spki, { trust: 'next' }));
  assert.match(
    openssl(['x509', '-noout', '-issuer'], trial.certificate),
    new RegExp(describeLife(dir).chains[1]?.chain[0]?.subject.split('CN=')[1] ?? '-'),
  );

  refuses(() => switchToNext({ dir, passphrase: 'wrong' }), 'passphrase-wrong', secrets);
  assert.equal(describeLife(dir).state, 'overlap', 'nothing was moved');
  switchToNext(options);
  const now = openAuthority(options);
  assert.deepEqual(now.certificateDer, next);
  assert.deepEqual(
    deployableRoots(dir).roots.map(r => r.role),
    ['current', 'previous'],
  );
  assert.ok((await clientSays(t, dir, now.rootPem, 'www.example.com')).ok);
  assert.ok(!(await clientSays(t, dir, old.rootPem, 'www.example.com')).ok);
  refuses(() => prepareNext(options), 'busy', secrets);

  finishRotation(dir);
  assert.deepEqual(readdirSync(dir).sort(), [
    'authority.crt',
    'authority.key',
    `retired-${describeLife(dir).retired[0]?.sha256.slice(0, 16) ?? ''}.crt`,
  ]);
  assert.deepEqual(deployableRoots(dir).retired, [old.certificateDer]);
  refuses(() => finishRotation(dir), 'absent', secrets);
  prepareNext(options);
  cancelNext(dir);
  assert.equal(deployableRoots(dir).retired.length, 2, 'it may have been deployed already');
  assert.ok(!existsSync(join(dir, 'next.key')));
});

test('an enterprise CA signs us: the chain goes to clients, who trust its root alone', async t => {
  const root = enterprise(t);
  const issuing = root.below(['basicConstraints=critical,CA:TRUE,pathlen:1', ...SUB.slice(1)]);
  const dir = join(scratch(t), 'ca');
  const options = { dir, passphrase: PASSPHRASE };
  const { request, again } = requestSignature({
    ...options,
    subject: { commonName: 'Inspection CA', organization: 'Example' },
  });
  assert.equal(again, false);
  assert.equal(requestSignature(options).request, request, 'asked twice, sent twice');
  const text = openssl(['req', '-verify', '-noout', '-text'], request);
  assert.match(text, /Subject: O = Example, CN = Inspection CA\n/);
  assert.match(text, /CA:TRUE, pathlen:0/);
  refuses(() => openAuthority(options), 'absent', []);
  refuses(() => describeAuthority(dir), 'absent', []);
  const answer = issuing.sign(request);
  const secrets = [...linesOf(join(dir, 'next.key')), PASSPHRASE];
  refuses(() => importAnswer(options, [answer]), 'unfit', secrets);
  refuses(() => importAnswer(options, [issuing.chain]), 'mismatch', secrets);
  refuses(
    () => importAnswer({ dir, passphrase: 'wrong' }, [answer, issuing.chain]),
    'passphrase-wrong',
    secrets,
  );
  assert.equal(importAnswer(options, [root.pem, issuing.pem, answer]), 'current', 'in any order');
  const life = describeLife(dir);
  assert.deepEqual([life.kind, life.state, life.chains[0]?.chain.length], ['subordinate', 'steady', 3]);
  assert.match(life.roots[0]?.subject ?? '', /CN=Example Root/);

  const authority = openAuthority(options);
  assert.equal(authority.rootPem.trim(), root.pem.trim());
  const said = await clientSays(t, dir, root.pem, 'www.example.com', 'http://proxy.example.com:8080/ca.crl');
  assert.ok(said.ok, said.text);
  assert.equal((said.sent.match(/BEGIN/g) ?? []).length, 2, 'ours and the issuing CA, not the root');
  assert.ok(!(await clientSays(t, dir, enterprise(t).pem, 'www.example.com')).ok);
  const { certificate } = await createIssuer({ authority }).issue(ask(KEY.spki));
  assert.match(nssSays(t, root.pem, certificate), /certificate is valid/);
  // And it is replaced by a root of our own like any other.
  prepareNext(options);
  assert.deepEqual(
    deployableRoots(dir).roots.map(r => r.role),
    ['current', 'next'],
  );
});

test('name constraints bind: what lies outside is a fault of its own, what lies inside verifies', async t => {
  const root = enterprise(t);
  const dir = join(scratch(t), 'ca');
  const options = { dir, passphrase: PASSPHRASE };
  const limits =
    'nameConstraints=critical,permitted;DNS:example.com,permitted;IP:10.0.0.0/255.0.0.0,excluded;DNS:secret.example.com,permitted;dirName:dn';
  const { request } = requestSignature(options);
  importAnswer(options, [root.sign(request, [...SUB, limits, '[dn]', 'O=Example']), root.pem]);
  assert.deepEqual(describeLife(dir).constraints, {
    permitted: ['example.com', '10.0.0.0/8'],
    excluded: ['secret.example.com'],
  });
  for (const name of ['example.com', 'a.b.example.com']) {
    const said = await clientSays(t, dir, root.pem, name);
    assert.ok(said.ok, `${name}: ${said.text}`);
  }
  const issuer = createIssuer({ authority: openAuthority(options) });
  for (const [name, nameKind] of [
    ['example.org', 'name'],
    ['notexample.com', 'name'],
    ['secret.example.com', 'name'],
    ['x.secret.example.com', 'name'],
    ['192.0.2.1', 'ip'],
    ['2001:db8::1', 'ip'],
  ] as const)
    await assert.rejects(
      issuer.issue(ask(KEY.spki, { name, nameKind })),
      error => error instanceof Fault && error.code === 'name-constrained',
      name,
    );
  await issuer.issue(ask(KEY.spki, { name: '10.1.2.3', nameKind: 'ip' }));
});

test('an answer that no client would accept is refused before it is used', t => {
  const root = enterprise(t);
  const short = enterprise(t, ['basicConstraints=critical,CA:TRUE,pathlen:0']);
  const client = enterprise(t).below([
    ...SUB.slice(0, 1).map(e => e.replace('pathlen:0', 'pathlen:1')),
    ...SUB.slice(1),
    'extendedKeyUsage=clientAuth',
  ]);
  const dir = join(scratch(t), 'ca');
  const options = { dir, passphrase: PASSPHRASE };
  const { request } = requestSignature(options);
  const cases: [string, string[], RegExp][] = [
    [
      'a leaf',
      [root.sign(request, ['basicConstraints=critical,CA:FALSE', ...SUB.slice(2)]), root.pem],
      /may not sign certificates/,
    ],
    [
      'no keyCertSign',
      [root.sign(request, [SUB[0] ?? '', 'keyUsage=critical,cRLSign', ...SUB.slice(2)]), root.pem],
      /may not sign certificates/,
    ],
    ['path length', [short.below(SUB).sign(request), short.pem], /chain|issuer of|path length|missing/],
    ['for client certificates', [client.sign(request), client.chain], /extended key usage/],
    ['not for long', [root.sign(request, SUB, 0), root.pem], /ends within a day|expired/],
  ];
  for (const [what, texts, words] of cases)
    assert.throws(
      () => importAnswer(options, texts),
      (error: Error) => words.test(error.message),
      what,
    );
  const deep = short.below(SUB);
  assert.throws(() => importAnswer(options, [deep.sign(request), deep.chain]), /path length/);
  assert.equal(describeableState(dir), 'waiting');
});

const describeableState = (dir: string): string =>
  existsSync(join(dir, 'next.csr')) && !existsSync(join(dir, 'authority.crt')) ? 'waiting' : 'changed';

test('a pair of somebody else is taken over, sealed with our passphrase; other kinds of key are not', t => {
  const root = enterprise(t);
  const source = join(scratch(t), 'ca');
  const { request } = requestSignature({ dir: source, passphrase: null });
  importAnswer({ dir: source, passphrase: null }, [root.sign(request), root.pem]);
  const dir = join(scratch(t), 'ca');
  const key = execFileSync('openssl', ['pkey', '-in', join(source, 'authority.key')]).toString();
  const { createPrivateKey, X509Certificate, generateKeyPairSync } = process.getBuiltinModule('node:crypto');
  const certificates = (
    readFileSync(join(source, 'authority.crt'), 'utf8').match(
      /-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g,
    ) ?? []
  ).map(p => new X509Certificate(p).raw);
  assert.equal(
    importPair({ dir, passphrase: PASSPHRASE }, { key: createPrivateKey(key), certificates }),
    'current',
  );
  assert.match(readFileSync(join(dir, 'authority.key'), 'utf8'), /ENCRYPTED/);
  assert.equal(openAuthority({ dir, passphrase: PASSPHRASE }).rootPem.trim(), root.pem.trim());
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  refuses(
    () => importPair({ dir: join(scratch(t), 'x'), passphrase: null }, { key: rsa, certificates }),
    'unfit',
    [],
  );
});

test('who may switch: a share that is measured and high enough, nothing else', () => {
  assert.match(switchAdvice(null, 95) ?? '', /not measured/);
  assert.match(switchAdvice({ clients: 0, accepting: 0 }, 0) ?? '', /No client was seen/);
  assert.match(switchAdvice({ clients: 200, accepting: 189 }, 95) ?? '', /189 of 200 clients \(94 %\)/);
  assert.equal(switchAdvice({ clients: 200, accepting: 190 }, 95), null);
});
