/**
 * How a client is told "no": a TLS alert before any handshake, or a page that names the fault, its meaning and what to
 * do, with the same code as the record. Everything from outside is escaped; pages carry no script and allow none
 * (requirement W6).
 */
import { FAULTS, type Fault } from '../core/faults.ts';
import { flowIdText, type FlowId } from '../core/records.ts';

/** Alert descriptions of RFC 8446 §6. */
export const ALERTS = {
  handshakeFailure: 40,
  accessDenied: 49,
  internalError: 80,
  unrecognizedName: 112,
} as const;

/** A fatal alert in a plaintext record, as a server sends it before it has answered the hello. */
export function alertRecord(description: number): Buffer {
  return Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description]);
}

export interface PageFacts {
  fault: Fault;
  /** What the client asked for, for people. */
  target: string;
  flow: FlowId;
  /** Rule and reason when policy decided. */
  rule: string | null;
  reason: string | null;
}

/** A whole HTTP/1.1 response with `Connection: close`. `extra` are further header lines, each ending in CRLF. */
export function refusalResponse(
  facts: PageFacts,
  options: { head: boolean; status?: number; extra?: string } = { head: false },
): Buffer {
  const status = options.status ?? FAULTS[facts.fault.code].status;
  const body = Buffer.from(page(facts, status), 'utf8');
  const head =
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}\r\n` +
    'Content-Type: text/html; charset=utf-8\r\n' +
    `Content-Length: ${body.length}\r\n` +
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n" +
    'X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n' +
    `X-Sightglass-Fault: ${facts.fault.code}\r\n` +
    (options.extra ?? '') +
    'Connection: close\r\n\r\n';
  return options.head ? Buffer.from(head, 'latin1') : Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Error';
}

const SIDES = {
  client: 'The cause lies with this device or program.',
  origin: 'The cause lies with the website.',
  us: 'The cause lies with this proxy or its policy.',
} as const;

function page(facts: PageFacts, status: number): string {
  const entry = FAULTS[facts.fault.code];
  const blocked = facts.fault.code === 'blocked-by-policy';
  const rows: [string, string][] = [
    ['Destination', facts.target],
    ['Fault', facts.fault.code],
    ...(facts.fault.detail === null ? [] : [['Detail', facts.fault.detail] as [string, string]]),
    ...(facts.rule === null ? [] : [['Rule', facts.rule] as [string, string]]),
    ...(facts.reason === null || facts.reason === '' ? [] : [['Reason', facts.reason] as [string, string]]),
    ['Connection', flowIdText(facts.flow)],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${status} ${escapeHtml(reasonPhrase(status))}</title>
<style>
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee6;--paper:#fff;--ground:#f4f6f9;--mark:${blocked ? '#b3261e' : '#8a5a00'}}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa6b5;--line:#333c48;--paper:#1a2028;--ground:#11151b;--mark:${blocked ? '#ff8a80' : '#ffc266'}}}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:38rem;margin:10vh auto;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:12px}
h1{font-size:1.35rem;margin:0 0 .5rem}p{margin:.5rem 0}.who{color:var(--soft)}
.mark{color:var(--mark);font-weight:600;font-size:.85rem;letter-spacing:.04em;text-transform:uppercase}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1.25rem 0 0;padding-top:1rem;border-top:1px solid var(--line);font-size:.9rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
</style></head><body><main>
<p class="mark">${blocked ? 'Blocked by policy' : `Error ${status}`}</p>
<h1>${escapeHtml(entry.summary)}</h1>
<p>${escapeHtml(entry.hint)}</p><p class="who">${SIDES[entry.side]}</p>
<dl>${rows.map(([k, v]) => `<dt>${escapeHtml(k)}</dt><dd>${escapeHtml(v)}</dd>`).join('')}</dl>
</main></body></html>
`;
}

/** Escapes text for element content and quoted attributes; control characters become visible. */
export function escapeHtml(text: string): string {
  return text

    .replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
      '\ufffd',
    )
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
