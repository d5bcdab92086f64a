/**
 * Origin-form requests to the proxy's own port: the setup site. It hands out the root CA, its
 * revocation list and a PAC file and says how to
 * use them; nothing else is reachable there, and it never looks at policy, records or the console.
 */
import { X509Certificate } from 'node:crypto';
import { PAC_HERE, pacFor } from '../../core/setup-texts.ts';
import { RequestReader, type RequestHead } from '../../wire/http1/index.ts';
import type { Flow } from '../flow.ts';
import { readUntil } from '../peek.ts';
import { escapeHtml, reasonPhrase } from '../refuse.ts';
import { limitsOf } from '../way.ts';

/** Answers one request and closes. */
export async function serveSetupSite(flow: Flow): Promise<void> {
  const reader = new RequestReader(limitsOf(flow.ctx));
  const head = await readUntil<RequestHead>(
    flow,
    { closed: 'ingress-closed', timeout: 'ingress-timeout' },
    flow.ctx.settings['timeout.ingress'],
    chunk => {
      reader.push(chunk);
      const event = reader.next();
      return event.kind === 'head' ? { done: event.head, keep: null } : null;
    },
  );
  const answer = route(flow, head);
  const bytes = Buffer.from(answer.body);
  const lines = [
    `HTTP/1.1 ${answer.status} ${answer.status === 200 ? 'OK' : reasonPhrase(answer.status)}`,
    `Content-Type: ${answer.type}`,
    `Content-Length: ${bytes.length}`,
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
    ...(answer.file === undefined ? [] : [`Content-Disposition: attachment; filename="${answer.file}"`]),
  ];
  flow.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.method !== 'HEAD') flow.socket.write(bytes);
  flow.socket.destroySoon();
  await new Promise<void>(resolve => flow.socket.once('close', () => resolve()));
}

interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  file?: string;
}

function route(flow: Flow, head: RequestHead): Answer {
  if (head.method !== 'GET' && head.method !== 'HEAD')
    return {
      status: 400,
      type: 'text/plain; charset=utf-8',
      body: 'This is a proxy. Set it as the HTTP proxy of your client.\n',
    };
  const { authority } = flow.ctx;
  const pem = authority.root ?? authority.certificates[0] ?? '';
  const path = head.target.split('?')[0];
  switch (path) {
    case '/':
      return { status: 200, type: 'text/html; charset=utf-8', body: home(flow, pem, hostOf(flow, head)) };
    case '/ca.pem':
      return { status: 200, type: 'application/x-pem-file', body: pem, file: 'sightglass-ca.pem' };
    // .crt with this type is what Windows and Android offer to install.
    case '/ca.crt':
      return {
        status: 200,
        type: 'application/x-x509-ca-cert',
        body: new X509Certificate(pem).raw,
        file: 'sightglass-ca.crt',
      };
    case '/ca.crl':
      return authority.crl === undefined
        ? { status: 404, type: 'text/plain; charset=utf-8', body: 'There is no revocation list.\n' }
        : { status: 200, type: 'application/pkix-crl', body: Buffer.from(authority.crl) };
    case '/proxy.pac':
    case '/wpad.dat':
      return {
        status: 200,
        type: 'application/x-ns-proxy-autoconfig',
        body: pacFor(flow.ctx.setup?.pac ?? PLAIN_PAC, hostOf(flow, head)),
      };
    default:
      return {
        status: 400,
        type: 'text/plain; charset=utf-8',
        body: 'Nothing here. The setup page is at /\n',
      };
  }
}

/** The address by which the client reached us: its Host field when that is a plain one, else the listener. */
function hostOf(flow: Flow, head: RequestHead): string {
  const host = head.host ?? '';
  return /^[a-zA-Z0-9.-]+(:\d+)?$|^\[[0-9a-fA-F:]+\](:\d+)?$/.test(host) ? host : flow.listener;
}

/** Where no control process made one: everything to this proxy. */
const PLAIN_PAC = `function FindProxyForURL(url, host) {
  if (isPlainHostName(host) || host === "localhost" || host === "127.0.0.1" || host === "::1") return "DIRECT";
  return "PROXY " + ${PAC_HERE};
}
`;

function home(flow: Flow, pem: string, address: string): string {
  const digest = pem === '' ? '' : new X509Certificate(pem).fingerprint256;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Set up this device</title>
<style>
:root{color-scheme:light dark}body{margin:0;font:16px/1.55 system-ui,sans-serif;background:Canvas;color:CanvasText}
main{max-width:42rem;margin:6vh auto;padding:0 1.25rem}h1{font-size:1.5rem}li{margin:.6rem 0}
code{background:color-mix(in srgb,CanvasText 8%,Canvas);padding:.1rem .35rem;border-radius:4px;overflow-wrap:anywhere}
</style></head><body><main>
<h1>This network inspects web traffic</h1>
<p>Connections through this proxy may be decrypted and recorded for auditing, as the owner of this network decided.
Two steps make a device work with it.</p>
<ol>
<li>Install the root certificate: <a href="/ca.crt">for Windows, Android, macOS and iOS</a> or
<a href="/ca.pem">as PEM for Linux and programs</a>. Compare its SHA-256 fingerprint with your administrator’s:<br><code>${escapeHtml(digest)}</code></li>
<li>Set the HTTP and HTTPS proxy to <code>${escapeHtml(address)}</code>, or the automatic configuration to
<code>http://${escapeHtml(address)}/proxy.pac</code>.</li>
</ol>
<p>Your address as the proxy sees it: <code>${escapeHtml(flow.client)}</code></p>
</main></body></html>
`;
}
