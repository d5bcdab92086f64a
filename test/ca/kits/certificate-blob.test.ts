/** Every property is computed again by Python and openssl, from the certificate alone; root certificates of four kinds. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { certificateBlob, trustedRoots } from '../../../ca/kits/certificate-blob.ts';
import { openssl, scratch } from '../scratch.ts';
import { foreignRoot, ownRoot, python } from './sample.ts';

/** Splits a blob and computes every property from the certificate; openssl cuts out the signed part and the key. */
const JUDGE = `
import sys, json, struct, hashlib, subprocess, re
blob = open(sys.argv[1], 'rb').read()
found, at = [], 0
while at < len(blob):
    ident, reserved, size = struct.unpack_from('<III', blob, at)
    assert reserved == 1
    found.append((ident, blob[at + 12:at + 12 + size])); at += 12 + size
assert at == len(blob)
der = open(sys.argv[2], 'rb').read()
def part(data, *args):
    return subprocess.run(['openssl', 'asn1parse', '-inform', 'DER', '-noout', '-out', '/dev/stdout', *args], input=data, stdout=subprocess.PIPE, check=True).stdout
tbs = part(der, '-strparse', '4')
spki = subprocess.run('openssl x509 -inform DER -noout -pubkey | openssl pkey -pubin -outform DER', shell=True, input=der, stdout=subprocess.PIPE, check=True).stdout
listing = subprocess.run(['openssl', 'asn1parse', '-inform', 'DER'], input=spki, stdout=subprocess.PIPE, check=True).stdout.decode()
m = [l for l in listing.splitlines() if 'BIT STRING' in l][0]
offset, head = int(m.split(':')[0]), int(re.search(r'hl=(\\d+)', m).group(1))
key = spki[offset + head + 1:]
text = subprocess.run(['openssl', 'x509', '-inform', 'DER', '-noout', '-text'], input=der, stdout=subprocess.PIPE, check=True).stdout.decode()
bits = int(re.search(r'Public-Key: \\((\\d+) bit\\)', text).group(1))
algorithm = re.search(r'Signature Algorithm: .*(sha\\d+)', text, re.I).group(1).lower()
ski = bytes.fromhex(re.search(r'Subject Key Identifier:\\s+([0-9A-F:]+)', text).group(1).replace(':', ''))
want = [(4, hashlib.md5(der).digest()), (15, hashlib.new(algorithm, tbs).digest()), (20, ski),
        (25, hashlib.md5(key).digest()), (3, hashlib.sha1(der).digest()), (92, struct.pack('<I', bits)), (32, der)]
print(json.dumps([[i for i, _ in found], [i for (i, a), (j, b) in zip(found, want) if i != j or a != b]]))`;

const KINDS: readonly (readonly [string, string[], string])[] = [
  ['RSA 2048, SHA-256', ['rsa:2048'], '-sha256'],
  ['RSA 3072, SHA-512', ['rsa:3072'], '-sha512'],
  ['P-384, SHA-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], '-sha384'],
];

test('properties of a blob, recomputed', t => {
  const dir = scratch(t);
  const roots: [string, Buffer][] = [
    ['ours', ownRoot(t)],
    ...KINDS.map(([kind, key, digest]): [string, Buffer] => [kind, foreignRoot(t, key, digest)]),
  ];
  for (const [kind, der] of roots) {
    writeFileSync(join(dir, 'blob'), certificateBlob(der));
    writeFileSync(join(dir, 'der'), der);
    assert.deepEqual(
      python(JUDGE, join(dir, 'blob'), join(dir, 'der')),
      [[4, 15, 20, 25, 3, 92, 32], []],
      kind,
    );
  }
});

test('a machine’s store: empty lists beside, each root under its thumbprint', t => {
  const der = ownRoot(t);
  const records = trustedRoots([der]);
  const print =
    openssl(['x509', '-inform', 'DER', '-noout', '-fingerprint', '-sha1'], der).trim().split('=')[1] ?? '';
  const store = 'Software\\Policies\\Microsoft\\SystemCertificates\\Root';
  assert.deepEqual(
    records.map(({ key, name, data }) => [key, name, data.type]),
    [
      [`${store}\\Certificates`, '', 'none'],
      [`${store}\\CRLs`, '', 'none'],
      [`${store}\\CTLs`, '', 'none'],
      [`${store}\\Certificates\\${print.replaceAll(':', '')}`, 'Blob', 'binary'],
    ],
  );
});
