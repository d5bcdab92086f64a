/**
 * The page of the setup site: what this network does, the root in the form that the visiting platform wants, and a check that
 * measures whether this very device uses the proxy and trusts its root. Pure.
 *
 * The check asks a host that exists only inside the proxy (`check` below): it answers over HTTP only to somebody who came
 * through the proxy, and over HTTPS only to somebody who accepted a leaf of ours. Both answers are read, so a resolver that
 * invents addresses cannot pass for the proxy. Everything else needs no script.
 */
import { createHash } from 'node:crypto';
import { escapeHtml } from '../refuse.ts';

export interface SetupPage {
  /** `host:port` of the proxy as the visitor reached it. */
  address: string;
  /** SHA-256 of the root, as people compare it. */
  fingerprint: string;
  /** Address of the visitor as the proxy sees it. */
  client: string;
  /** User-Agent, null when there is none. Only sorts. */
  agent: string | null;
  /** The host that exists only inside the proxy. */
  check: string;
  /** Another authority is prepared to follow; its root is checked too. */
  next: boolean;
  /** There is a profile for Apple devices. */
  profile: boolean;
}

type Platform = 'windows' | 'apple' | 'android' | 'linux';
const PLATFORMS: readonly Platform[] = ['windows', 'apple', 'android', 'linux'];

/** What the visitor seems to be; Linux (PEM, by hand) for whatever is not known. */
export function platformOf(agent: string | null): Platform {
  const text = agent ?? '';
  if (/Android/i.test(text)) return 'android';
  if (/Windows/i.test(text)) return 'windows';
  if (/iPhone|iPad|iPod|Macintosh|Mac OS X|Darwin/i.test(text)) return 'apple';
  return 'linux';
}

/** The steps of one platform; constant text with the place of the root. */
function steps(platform: Platform, profile: boolean): { title: string; file: string; lines: string[] } {
  switch (platform) {
    case 'windows':
      return {
        title: 'Windows',
        file: '/ca.crt',
        lines: [
          'Open the file, choose <b>Install Certificate</b>, then <b>Local Machine</b>.',
          'Choose <b>Place all certificates in the following store</b>: <b>Trusted Root Certification Authorities</b>. The automatic choice is the wrong store.',
        ],
      };
    case 'apple':
      return {
        title: 'macOS, iOS and iPadOS',
        file: profile ? '/ca.mobileconfig' : '/ca.crt',
        lines: [
          'Open the profile and install it in <b>Settings</b> (<b>System Settings</b>), under <b>General, Device Management</b>.',
          'iPhone and iPad: switch it on under <b>General, About, Certificate Trust Settings</b> as well.',
        ],
      };
    case 'android':
      return {
        title: 'Android',
        file: '/ca.crt',
        lines: [
          'In <b>Settings</b> look for <b>CA certificate</b> (under Security, Encryption and credentials) and install the file.',
          'Many apps trust only what the system ships; browsers trust yours too.',
        ],
      };
    case 'linux':
      return {
        title: 'Linux and programs',
        file: '/ca.pem',
        lines: [
          'Debian, Ubuntu: copy it to <code>/usr/local/share/ca-certificates/sightglass.crt</code>, then <code>update-ca-certificates</code>.',
          'Fedora, RHEL: copy it to <code>/etc/pki/ca-trust/source/anchors/</code>, then <code>update-ca-trust</code>.',
          'Firefox and Chromium keep stores of their own: import it there, for websites.',
        ],
      };
  }
}

const SCRIPT = `(function () {
  var data = document.body.dataset, host = data.check;
  function ask(url) {
    return fetch(url, { cache: 'no-store', credentials: 'omit' })
      .then(function (answer) { return answer.text(); })
      .then(function (text) { return text === 'sightglass check\\n'; })
      .catch(function () { return false; });
  }
  function tell(id, state, words) {
    var line = document.getElementById(id);
    line.dataset.state = state;
    line.querySelector('span').textContent = words;
  }
  var inside = location.hostname === host;
  var trusted = inside && location.protocol === 'https:';
  (inside ? Promise.resolve(true) : ask('http://' + host + '/check')).then(function (uses) {
    tell('uses', uses ? 'yes' : 'no', uses ? 'This device uses the proxy.' : 'This device does not use the proxy: set it (step 2), then load this page again.');
    if (!uses) return tell('trusts', 'unknown', 'Whether it trusts the root can be told once it uses the proxy.');
    return (trusted ? Promise.resolve(true) : ask('https://' + host + '/check')).then(function (trusts) {
      tell('trusts', trusts ? 'yes' : 'no', trusts ? 'This device trusts the root.' : 'This device does not trust the root: install it (step 1), then load this page again.');
      if (data.next !== 'yes') return;
      return ask('https://next.' + host + '/check').then(function (ready) {
        tell('next', ready ? 'yes' : 'no', ready ? 'It trusts the root that will follow, too.' : 'It does not trust the root that will follow yet.');
      });
    });
  });
})();`;

/** The one policy of the site: no script but the one above, no connection but to the check hosts. */
export function setupCsp(check: string): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  return (
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; ` +
    `connect-src http://${check} https://${check} https://next.${check}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  );
}

/** The page as HTML. */
export function setupPage(page: SetupPage): string {
  const mine = platformOf(page.agent);
  const sections = [mine, ...PLATFORMS.filter(p => p !== mine)].map((platform, i) => {
    const { title, file, lines } = steps(platform, page.profile);
    const body = `<p><a href="${file}">Download the root certificate for ${title}</a></p><ul>${lines.map(line => `<li>${line}</li>`).join('')}</ul>`;
    return i === 0
      ? `<section><h3>${title}</h3>${body}</section>`
      : `<details><summary>${title}</summary>${body}</details>`;
  });
  const address = escapeHtml(page.address);
  const measured = (id: string): string => `<li id="${id}" data-state="asking"><span>Asking …</span></li>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Set up this device</title>
<style>
:root{color-scheme:light dark}body{margin:0;font:16px/1.55 system-ui,sans-serif;background:Canvas;color:CanvasText}
main{max-width:42rem;margin:6vh auto;padding:0 1.25rem}h1{font-size:1.5rem}h2{font-size:1.2rem}h3{font-size:1rem}li{margin:.6rem 0}
code{background:color-mix(in srgb,CanvasText 8%,Canvas);padding:.1rem .35rem;border-radius:4px;overflow-wrap:anywhere}
#check li{list-style:none}#check li::before{content:"…";display:inline-block;width:1.6em}
#check [data-state=yes]::before{content:"✓"}#check [data-state=no]::before{content:"✗"}#check [data-state=unknown]::before{content:"–"}
</style></head><body data-check="${escapeHtml(page.check)}" data-next="${page.next ? 'yes' : 'no'}"><main>
<h1>This network inspects web traffic</h1>
<p>Connections through this proxy may be decrypted and recorded for auditing, as the owner of this network decided.
Two steps make a device work with it.</p>
<h2>This device</h2>
<ul id="check" aria-live="polite">${measured('uses')}${measured('trusts')}${page.next ? measured('next') : ''}</ul>
<noscript><p>The check needs JavaScript; the steps below do not.</p></noscript>
<h2>1. Trust the root certificate</h2>
<p>Compare its SHA-256 fingerprint with your administrator’s:<br><code>${escapeHtml(page.fingerprint)}</code></p>
${sections.join('\n')}
<h2>2. Use the proxy</h2>
<p>Set the HTTP and HTTPS proxy to <code>${address}</code>, or the automatic configuration to
<code>http://${address}/proxy.pac</code>.</p>
<p>Your address as the proxy sees it: <code>${escapeHtml(page.client)}</code></p>
</main><script>${SCRIPT}</script></body></html>
`;
}
