/** Text as an attacker would have it recorded, and flows that carry it in every field a stranger can write. */
import type { FakeFlow } from './fake-data.ts';

const RAN = 'window.__ran=1';

/** Script, markup, addresses, templates, text that turns, hides or never ends. */
export const HOSTILE: readonly string[] = [
  `<script>${RAN}</script>`,
  `<img src=x onerror="${RAN}">`,
  `"><svg/onload=${RAN}>`,
  `'-${RAN}-'`,
  `javascript:${RAN}`,
  `</title></style></textarea><script>${RAN}</script>`,
  `<iframe srcdoc="<script>parent.${RAN.slice(7)}</script>">`,
  `<a href="javascript:${RAN}">x</a>`,
  '{{constructor.constructor("window.__ran=1")()}}',
  `\u202e</td><script>${RAN}</script>\u2066`,
  '\u0000\u001b]0;title\u0007\r\nSet-Cookie: a=b',
  `&lt;script&gt;${RAN}&lt;/script&gt;&#60;img src=x onerror=${RAN}&#62;`,
  '=HYPERLINK("http://x.example","y")',
  'ﷺ'.repeat(300),
  `data:text/html,<script>${RAN}</script>`,
  '__proto__',
];

/** A flow with one exchange in which every free text is `text`. */
export function hostileFlow(text: string, at: number): FakeFlow {
  const flow = `9z-${at.toString(36)}`;
  const time = new Date(Date.now() - at * 10).toISOString();
  const common = {
    flow,
    time,
    client: '203.0.113.66',
    user: text,
    host: text,
    port: 443,
    sni: text,
    verdict: 'inspect' as const,
    rule: text,
    policy: text,
    reason: text,
    ms: 12,
    fault: text,
    mask: text,
    tlsProfile: text,
    parent: text,
    proxy: text,
  };
  return {
    row: { ...common, alpn: [text], ja4: text, bytesUp: 1, bytesDown: 1, exchanges: 1 },
    exchanges: [
      {
        ...common,
        exchange: `${flow}.1`,
        method: text,
        scheme: 'https',
        path: text,
        status: 200,
        protocol: text,
        reqBytes: 10,
        resBytes: 10,
        contentType: text,
        masked: text,
      },
    ],
  };
}
