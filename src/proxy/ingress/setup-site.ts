/**
 * Origin-form requests to the proxy's own port: the setup site. It hands out the root CA, its
 * revocation list and a PAC file and says how to
 * use them; nothing else is reachable there, and it never looks at policy, records or the console.
 */
import { X509Certificate } from 'node:crypto';
import { PAC_HERE, pacFor } from '../../core/setup-texts.ts';
import { RequestReader, splitAbsolute, type RequestHead } from '../../wire/http1/index.ts';
import type { Flow } from '../flow.ts';
import { readUntil } from '../peek.ts';
import { reasonPhrase } from '../refuse.ts';
import { setupCsp, setupPage } from './setup-page.ts';
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
  flow.socket.write(answerTo(flow, head));
  flow.socket.destroySoon();
  await new Promise<void>(resolve => flow.socket.once('close', () => resolve()));
}

/** The whole answer to one request, after which the connection ends. */
export function answerTo(flow: Flow, head: RequestHead): Buffer {
  const answer = route(flow, head);
  const bytes = Buffer.from(answer.body);
  const lines = [
    `HTTP/1.1 ${answer.status} ${answer.status === 200 ? 'OK' : reasonPhrase(answer.status)}`,
    `Content-Type: ${answer.type}`,
    `Content-Length: ${bytes.length}`,
    `Content-Security-Policy: ${setupCsp(flow.ctx.settings['setup.check-host'])}`,
    'X-Content-Type-Options: nosniff',
    'Referrer-Policy: no-referrer',
    'Cache-Control: no-store',
    'Connection: close',
    ...(answer.file === undefined ? [] : [`Content-Disposition: attachment; filename="${answer.file}"`]),
    // The page that asks was loaded from another host, the proxy's own address. There is nothing secret here.
    ...(answer.shared === true ? ['Access-Control-Allow-Origin: *'] : []),
  ];
  const top = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return head.method === 'HEAD' ? top : Buffer.concat([top, bytes]);
}

interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  file?: string;
  /** Pages of other hosts may read it. */
  shared?: true;
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
  const path = (splitAbsolute(head.target)?.path ?? head.target).split('?')[0];
  switch (path) {
    case '':
    case '/':
      return { status: 200, type: 'text/html; charset=utf-8', body: home(flow, pem, head) };
    case '/check':
      // Only through the proxy: asked at the proxy's own address it would prove nothing.
      return isCheckHost(flow, head)
        ? { status: 200, type: 'text/plain; charset=utf-8', body: 'sightglass check\n', shared: true }
        : NOTHING;
    case '/ca.mobileconfig':
      return flow.ctx.setup?.profile === undefined
        ? NOTHING
        : {
            status: 200,
            type: 'application/x-apple-aspen-config',
            body: flow.ctx.setup.profile,
            file: 'sightglass.mobileconfig',
          };
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
      return NOTHING;
  }
}

const NOTHING: Answer = {
  status: 400,
  type: 'text/plain; charset=utf-8',
  body: 'Nothing here. The setup page is at /\n',
};

/** The address by which the client reached us: its Host field when that is a plain one of ours, else the socket's. */
function hostOf(flow: Flow, head: RequestHead): string {
  const host = head.host ?? '';
  if (!isCheckHost(flow, head) && /^[a-zA-Z0-9.-]+(:\d+)?$|^\[[0-9a-fA-F:]+\](:\d+)?$/.test(host))
    return host;
  const { localAddress = '', localPort = 0 } = flow.socket;
  const address = localAddress.replace(/^::ffff:/, '');
  if (address === '') return flow.listener;
  return `${address.includes(':') ? `[${address}]` : address}:${localPort}`;
}

/** Whether the request is for the host that exists only inside the proxy. */
function isCheckHost(flow: Flow, head: RequestHead): boolean {
  const name = (head.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const check = flow.ctx.settings['setup.check-host'];
  const inside = flow.tunnelling || splitAbsolute(head.target) !== null;
  return inside && (name === check || name === `next.${check}`);
}

/** Where no control process made one: everything to this proxy. */
const PLAIN_PAC = `function FindProxyForURL(url, host) {
  if (isPlainHostName(host) || host === "localhost" || host === "127.0.0.1" || host === "::1") return "DIRECT";
  return "PROXY " + ${PAC_HERE};
}
`;

function home(flow: Flow, pem: string, head: RequestHead): string {
  return setupPage({
    address: hostOf(flow, head),
    fingerprint: pem === '' ? '' : new X509Certificate(pem).fingerprint256,
    client: flow.client,
    agent: head.fields.find(field => field.name.toLowerCase() === 'user-agent')?.value ?? null,
    check: flow.ctx.settings['setup.check-host'],
    next: flow.ctx.setup?.next === true,
    profile: flow.ctx.setup?.profile !== undefined,
  });
}
