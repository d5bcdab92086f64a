/** The details behind the rows of fake-data.ts, as the API tells them. */
import { FAULTS, isFaultCode } from '../../../src/core/faults.ts';
import type {
  CertInfo,
  ExchangeDetail,
  ExchangeRow,
  FaultInfo,
  FlowDetail,
  HeaderField,
  MessageInfo,
} from '../../../web/contract.ts';
import type { FakeFlow } from './fake-data.ts';

/** What the catalogue says about a fault of these rows. */
export function faultInfo(code: string | null): FaultInfo | null {
  if (code === null || !isFaultCode(code)) return null;
  const { side, phase, summary, hint } = FAULTS[code];
  const detail = code.startsWith('cert-')
    ? 'certificate has expired: notAfter=Nov  3 12:00:00 2026 GMT'
    : null;
  return { code, side, phase, summary, hint, detail };
}

const CERT: CertInfo = {
  subject: 'CN=www.example.com, O=Example Corporation, C=NL',
  issuer: 'CN=Example TLS Issuing CA 4, O=Example Trust Services, C=NL',
  names: ['www.example.com', 'example.com', '*.assets.example.com'],
  notBefore: '2026-09-01T00:00:00.000Z',
  notAfter: '2027-03-12T23:59:59.000Z',
  fingerprint: '5e2f6c9a71b04d83a5c1e0f2d4b6987a1c3e5f708192a3b4c5d6e7f8091a2b3c',
  serial: '0b6a1f93c28e5d7740aa',
};

const certOf = (text: string): CertInfo => ({
  ...CERT,
  subject: text,
  issuer: text,
  names: [text, text],
  serial: text,
});

export function flowDetail({ row, exchanges }: FakeFlow, whole = true): FlowDetail {
  const said = row.host !== null;
  const served = row.verdict === 'inspect' && row.fault !== 'origin-refused' && row.fault !== 'cert-expired';
  return {
    row,
    open: false,
    clientPort: 51_000 + (row.flow.length % 100),
    ingress: said ? 'connect' : null,
    listener: said ? '[::]:8080' : null,
    groups: row.user === null ? [] : ['staff'],
    outcome: said ? 'hello' : null,
    hello: said
      ? {
          sni: row.sni,
          rawSni: row.sni,
          alpn: row.alpn,
          versions: ['TLS 1.3', 'TLS 1.2'],
          ciphers: [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8],
          groups: [0x11ec, 0x001d, 0x0017, 0x0018],
          ja3: '579ccef312d18482fc42e2b822ca2430',
          ja4: row.ja4 ?? '',
          ech: 'grease-or-real',
          grease: true,
          size: 1767,
        }
      : null,
    verdict:
      row.verdict === null
        ? null
        : {
            action: row.verdict,
            rule: row.rule ?? '',
            policy: row.policy ?? '',
            reason: row.reason ?? '',
            capture: 'bodies',
            block: 'page',
            mask: row.mask,
            tlsProfile: row.tlsProfile,
            parent: row.parent,
          },
    fault: faultInfo(row.fault),
    originAddress: row.verdict === 'block' || !said ? null : '203.0.113.20:443',
    clientTls:
      served && row.fault !== 'client-rejected-leaf'
        ? { version: 'TLS 1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'http/1.1', resumed: false }
        : null,
    originTls: served
      ? { version: 'TLS 1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn: 'http/1.1', resumed: true }
      : null,
    originCert:
      row.client === '203.0.113.66'
        ? certOf(row.sni ?? '')
        : served || row.fault === 'cert-expired'
          ? CERT
          : null,
    leafSerial: served ? '3d0c5b7ae0194f6c8b2d' : null,
    exchanges: whole ? exchanges : [],
  };
}

export function exchangeDetail(flow: FakeFlow, n: number): ExchangeDetail | null {
  const row = flow.exchanges[n - 1];
  if (row === undefined) return null;
  return {
    row,
    request: message(requestHeaders(row), row.reqBytes),
    response: row.status === null ? null : message(responseHeaders(row), row.resBytes),
    wait: row.status === null ? null : Math.round(row.ms * 0.7),
    verdict: {
      action: row.verdict,
      rule: row.rule,
      policy: row.policy,
      reason: row.reason,
      capture: 'bodies',
      block: 'page',
      mask: row.mask,
      tlsProfile: row.tlsProfile,
      parent: row.parent,
    },
    fault: faultInfo(row.fault),
    upgraded: false,
    masked: row.masked === null ? [] : [{ where: 'req-head', what: 'headers', count: 1 }],
    flow: flowDetail(flow, false),
    revealed: { req: true, res: true },
    previous: flow.exchanges[n - 2]?.exchange ?? null,
    next: flow.exchanges[n]?.exchange ?? null,
  };
}

function message(headers: HeaderField[], size: number): MessageInfo {
  const kept = Math.min(size, 1_048_576);
  return {
    headers,
    body: {
      size,
      kept,
      sha256: size === 0 ? null : '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      truncated: kept < size,
      absent: size === 0 ? 'empty' : null,
      form: 'raw',
    },
  };
}

/** Header fields of hostile rows hold what the row holds. */
function strangers(row: ExchangeRow): HeaderField[] {
  return row.client === '203.0.113.66' ? [field(row.path, row.path), field('X-Name', row.path, true)] : [];
}

const field = (name: string, value: string, masked = false): HeaderField => ({ name, value, masked });

function requestHeaders(row: ExchangeRow): HeaderField[] {
  return [
    field('Host', row.host),
    field(
      'User-Agent',
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0',
    ),
    field('Accept', 'application/json, text/plain, */*'),
    field('Accept-Encoding', 'gzip, br'),
    field('Authorization', 'Bearer ***', true),
    field('Cookie', 'session=***; theme=***', true),
    field('X-Request-Id', '0190a5e2-77c1-7b1e-9d30-5a1f4be0c111'),
    ...(row.reqBytes > 0 ? [field('Content-Length', String(row.reqBytes))] : []),
    ...strangers(row),
  ];
}

function responseHeaders(row: ExchangeRow): HeaderField[] {
  return [
    field('Date', new Date(row.time).toUTCString()),
    field('Content-Type', `${row.contentType ?? 'text/plain'}; charset=utf-8`),
    field('Cache-Control', 'private, max-age=0, must-revalidate'),
    field('Set-Cookie', 'session=***; Path=/; Secure; HttpOnly; SameSite=Lax', true),
    field('Strict-Transport-Security', 'max-age=63072000; includeSubDomains'),
    field('Content-Length', String(row.resBytes)),
    ...strangers(row),
  ];
}
