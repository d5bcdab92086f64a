/**
 * The proxy as variables that shells, package tools and runtimes read, and as a file of apt. Only an address fits there, so
 * a PAC URL gives nothing. `HTTP_PROXY` in capitals is left out: behind CGI it could be set by a stranger's header.
 */
import { hostPort } from './plan.ts';
import type { ProxyChoice } from './plan.ts';
import { sh } from './quote.ts';
import { suffix } from './windows-settings.ts';

export interface ProxyVariables {
  url: string;
  /** Comma list for no_proxy. */
  except: string;
  /** A file to source. */
  shell: string;
  apt: string;
}

export function proxyVariables(proxy: ProxyChoice | null): ProxyVariables | null {
  if (proxy === null || proxy.kind === 'pac') return null;
  const url = `http://${hostPort(proxy)}`;
  const except = ['localhost', '127.0.0.1', '::1', ...proxy.bypass.map(suffix)].join(',');
  return {
    url,
    except,
    shell: `# shellcheck shell=sh
# Sightglass: the proxy for programs that read variables
export http_proxy=${sh(url)} https_proxy=${sh(url)} HTTPS_PROXY=${sh(url)}
export no_proxy=${sh(except)} NO_PROXY=${sh(except)}
`,
    apt: `// Sightglass: the proxy for apt, which sees no variables under sudo
Acquire::http::Proxy "${url}";
Acquire::https::Proxy "${url}";
`,
  };
}
