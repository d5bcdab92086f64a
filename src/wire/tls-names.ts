/**
 * IANA names of the TLS numbers that people meet, for display only: no decision looks at a name. A number that is
 * not here is shown as a number, so the tables may stay short.
 */
const CIPHERS: Readonly<Record<number, string>> = {
  0x1301: 'TLS_AES_128_GCM_SHA256',
  0x1302: 'TLS_AES_256_GCM_SHA384',
  0x1303: 'TLS_CHACHA20_POLY1305_SHA256',
  0xc02b: 'ECDHE_ECDSA_AES_128_GCM_SHA256',
  0xc02c: 'ECDHE_ECDSA_AES_256_GCM_SHA384',
  0xc02f: 'ECDHE_RSA_AES_128_GCM_SHA256',
  0xc030: 'ECDHE_RSA_AES_256_GCM_SHA384',
  0xcca8: 'ECDHE_RSA_CHACHA20_POLY1305_SHA256',
  0xcca9: 'ECDHE_ECDSA_CHACHA20_POLY1305_SHA256',
  0xccaa: 'DHE_RSA_CHACHA20_POLY1305_SHA256',
  0xc009: 'ECDHE_ECDSA_AES_128_CBC_SHA',
  0xc00a: 'ECDHE_ECDSA_AES_256_CBC_SHA',
  0xc013: 'ECDHE_RSA_AES_128_CBC_SHA',
  0xc014: 'ECDHE_RSA_AES_256_CBC_SHA',
  0xc023: 'ECDHE_ECDSA_AES_128_CBC_SHA256',
  0xc024: 'ECDHE_ECDSA_AES_256_CBC_SHA384',
  0xc027: 'ECDHE_RSA_AES_128_CBC_SHA256',
  0xc028: 'ECDHE_RSA_AES_256_CBC_SHA384',
  0x009c: 'RSA_AES_128_GCM_SHA256',
  0x009d: 'RSA_AES_256_GCM_SHA384',
  0x009e: 'DHE_RSA_AES_128_GCM_SHA256',
  0x009f: 'DHE_RSA_AES_256_GCM_SHA384',
  0x002f: 'RSA_AES_128_CBC_SHA',
  0x0035: 'RSA_AES_256_CBC_SHA',
  0x0033: 'DHE_RSA_AES_128_CBC_SHA',
  0x0039: 'DHE_RSA_AES_256_CBC_SHA',
  0x000a: 'RSA_3DES_EDE_CBC_SHA',
  0x0005: 'RSA_RC4_128_SHA',
  0x00ff: 'EMPTY_RENEGOTIATION_INFO_SCSV',
  0x5600: 'FALLBACK_SCSV',
};

const GROUPS: Readonly<Record<number, string>> = {
  0x0017: 'secp256r1',
  0x0018: 'secp384r1',
  0x0019: 'secp521r1',
  0x001d: 'x25519',
  0x001e: 'x448',
  0x0100: 'ffdhe2048',
  0x0101: 'ffdhe3072',
  0x0102: 'ffdhe4096',
  0x0103: 'ffdhe6144',
  0x0104: 'ffdhe8192',
  0x11eb: 'SecP256r1MLKEM768',
  0x11ec: 'X25519MLKEM768',
  0x11ed: 'SecP384r1MLKEM1024',
  0x6399: 'X25519Kyber768Draft00',
};

export function cipherName(id: number): string {
  return CIPHERS[id] ?? hex(id);
}

export function groupName(id: number): string {
  return GROUPS[id] ?? hex(id);
}

function hex(id: number): string {
  return `0x${id.toString(16).padStart(4, '0')}`;
}
