/**
 * What a Windows machine is told, as one table: group policy, LGPO text and PowerShell are three ways of writing it.
 *
 * Values below `Software\Policies` vanish by themselves when the policy is taken back. The others (`stays`) do not, so
 * whatever removes the policy has to delete them by name. Names and meanings: Chrome and Edge policy lists, Mozilla's
 * policy templates, Microsoft's pages about ProxySettingsPerUser.
 */
import { hostPort } from './plan.ts';
import type { KitPlan, ProxyChoice } from './plan.ts';
import type { RegistryData, RegistryRecord } from './registry-pol.ts';

export interface WindowsSetting extends RegistryRecord {
  hive: 'machine' | 'user';
  /** True for a value that Windows does not take back by itself. */
  stays: boolean;
  /** For people, in a report. */
  why: string;
}

const text = (value: string): RegistryData => ({ type: 'string', text: value });
const number = (value: number): RegistryData => ({ type: 'dword', number: value });

/** Every setting, machine first, in the order in which it shall be applied. */
export function windowsSettings(plan: KitPlan): WindowsSetting[] {
  return [...internet(plan.proxy), ...chromium(plan.proxy), ...firefox(plan.proxy)].sort(
    (a, b) => Number(a.hive === 'user') - Number(b.hive === 'user'),
  );
}

const INTERNET = 'Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';

/** WinINET for everybody on the machine, which WinHTTP services follow; and the same for a policy that reaches only users. */
function internet(proxy: ProxyChoice | null): WindowsSetting[] {
  if (proxy === null) return [];
  const why = 'proxy of Windows (WinINET, WinHTTP)';
  const values: [name: string, data: RegistryData][] =
    proxy.kind === 'pac'
      ? [
          ['AutoConfigURL', text(proxy.url)],
          ['ProxyEnable', number(0)],
        ]
      : [
          ['ProxyEnable', number(1)],
          ['ProxyServer', text(hostPort(proxy))],
          ['ProxyOverride', text([...proxy.bypass, '<local>'].join(';'))],
        ];
  return [
    {
      hive: 'machine',
      key: 'Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings',
      name: 'ProxySettingsPerUser',
      data: number(0),
      stays: false,
      why: 'one proxy setting for all users of the machine',
    },
    ...(['machine', 'user'] as const).flatMap(hive =>
      values.map(([name, data]): WindowsSetting => ({ hive, key: INTERNET, name, data, stays: true, why })),
    ),
  ];
}

/** Chrome and Edge read the same names. The JSON is the one the Linux kit writes into a file. */
function chromium(proxy: ProxyChoice | null): WindowsSetting[] {
  return ['Software\\Policies\\Google\\Chrome', 'Software\\Policies\\Microsoft\\Edge'].flatMap(key =>
    Object.entries(chromiumPolicies(proxy)).map(([name, value]): WindowsSetting => ({
      hive: 'machine',
      key,
      name,
      data:
        typeof value === 'boolean'
          ? number(value ? 1 : 0)
          : text(typeof value === 'string' ? value : JSON.stringify(value)),
      stays: false,
      why: WHY[name] ?? name,
    })),
  );
}

const WHY: Readonly<Record<string, string>> = {
  ProxySettings: 'proxy of the browser',
  QuicAllowed: 'QUIC off: HTTP/3 would pass by the proxy',
  EncryptedClientHelloEnabled: 'ECH off: a hidden name cannot be decided upon',
  DnsOverHttpsMode: 'DNS over HTTPS off: it hides names from the resolver of the network',
  CAPlatformIntegrationEnabled: 'roots of the operating system are used',
};

/** Policies of Chrome, Chromium and Edge, as their JSON files hold them. */
export function chromiumPolicies(proxy: ProxyChoice | null): Record<string, boolean | string | object> {
  const settings =
    proxy === null
      ? null
      : proxy.kind === 'pac'
        ? { ProxyMode: 'pac_script', ProxyPacUrl: proxy.url }
        : {
            ProxyMode: 'fixed_servers',
            ProxyServer: hostPort(proxy),
            ProxyBypassList: [...proxy.bypass, '<local>'].join(';'),
          };
  return {
    ...(settings === null ? {} : { ProxySettings: settings }),
    QuicAllowed: false,
    EncryptedClientHelloEnabled: false,
    DnsOverHttpsMode: 'off',
    CAPlatformIntegrationEnabled: true,
  };
}

/** Policies of Firefox, as policies.json holds them, but for the root: Windows and macOS take that from the system. */
export function firefoxPolicies(proxy: ProxyChoice | null): Record<string, unknown> {
  return {
    Certificates: { ImportEnterpriseRoots: true },
    ...(proxy === null ? {} : { Proxy: firefoxProxy(proxy) }),
    DisableEncryptedClientHello: true,
    DNSOverHTTPS: { Enabled: false, Locked: true },
    Preferences: { 'network.http.http3.enable': { Value: false, Status: 'locked' } },
  };
}

function firefoxProxy(proxy: ProxyChoice): Record<string, unknown> {
  if (proxy.kind === 'pac') return { Mode: 'autoConfig', AutoConfigURL: proxy.url, Locked: true };
  const address = hostPort(proxy);
  return {
    Mode: 'manual',
    HTTPProxy: address,
    SSLProxy: address,
    UseHTTPProxyForAllProtocols: true,
    ...(proxy.bypass.length === 0 ? {} : { Passthrough: proxy.bypass.map(suffix).join(',') }),
    Locked: true,
  };
}
/** Firefox and proxy variables write everything below a name as `.name`. */
export const suffix = (entry: string): string => entry.replace(/^\*\./, '.');

/** The same as registry values: nested objects are keys below, truth is 1, the preferences are one JSON text. */
function firefox(proxy: ProxyChoice | null): WindowsSetting[] {
  const base = 'Software\\Policies\\Mozilla\\Firefox';
  const setting = (key: string, name: string, data: RegistryData): WindowsSetting => ({
    hive: 'machine',
    key,
    name,
    data,
    stays: false,
    why: FIREFOX_WHY[key.slice(base.length + 1)] ?? FIREFOX_WHY[name] ?? name,
  });
  const value = (v: unknown): RegistryData => (typeof v === 'boolean' ? number(v ? 1 : 0) : text(String(v)));
  return Object.entries(firefoxPolicies(proxy)).flatMap(([name, policy]) => {
    if (name === 'Preferences')
      return [setting(base, name, { type: 'strings', texts: [JSON.stringify(policy)] })];
    if (typeof policy !== 'object' || policy === null) return [setting(base, name, value(policy))];
    return Object.entries(policy).map(([inner, v]) => setting(`${base}\\${name}`, inner, value(v)));
  });
}
const FIREFOX_WHY: Readonly<Record<string, string>> = {
  Certificates: 'roots of the operating system are used',
  Proxy: 'proxy of the browser',
  DisableEncryptedClientHello: 'ECH off: a hidden name cannot be decided upon',
  DNSOverHTTPS: 'DNS over HTTPS off: it hides names from the resolver of the network',
  Preferences: 'HTTP/3 off: it would pass by the proxy',
};
