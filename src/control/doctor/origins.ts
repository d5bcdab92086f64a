/**
 * TLS with origins as the data plane does it: same resolver, egress rules, trust and checks of the certificate. What
 * comes out is what a flow would get, with the layer that failed and the side that has to act. Over each connection that
 * stands the origin is asked for its clock.
 *
 * Goes straight, and through the first parent group when the straight way is closed and the policy names groups. It does
 * not ask the policy whether this host would be inspected at all.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { CERTIFICATE_FILE } from '../../../ca/key-file.ts';
import { FAULTS, Fault } from '../../core/faults.ts';
import type { ParentWay } from '../../core/verdict.ts';
import { createDialer, type Dialed } from '../../proxy/dial.ts';
import { originContexts } from '../../proxy/origin.ts';
import { parentsOf } from '../../proxy/parent-settings.ts';
import { createResolver, staticNames } from '../../proxy/resolve.ts';
import { startVerifiedTls } from '../../proxy/verified-tls.ts';
import { originTlsFault } from '../../proxy/verify.ts';
import { DEFAULT_LIMITS } from '../../wire/http1/index.ts';
import { answer, type Answer } from './answer.ts';
import { words, type Patient } from './patient.ts';

/** A clock further from ours than this and the time of the question is off; HTTP dates count whole seconds. */
const CLOCK_MS = 5_000;
/** Rounds of asking: enough for a head, whatever comes after it. */
const MAX_HEAD = 16 * 1024;
const MAX_CHAIN = 10;

export async function askOrigins(patient: Patient, groups: readonly ParentWay[]): Promise<Answer[]> {
  const { hosts, now } = patient;
  if (hosts.length === 0)
    return [
      answer('origin-none', 'There is no origin to try.'),
      answer('clock-unmeasured', 'No origin could be asked for the time.'),
    ];
  const ways = waysOut(patient);
  const tried = await Promise.all(hosts.map(at => tryOrigin(patient, ways, at, groups)));
  const offsets = tried.flatMap(t => (t.offset === null ? [] : [{ at: t.answer.finding, offset: t.offset }]));
  return [...tried.map(t => t.answer), clockAnswer(offsets, now())];
}

function clockAnswer(offsets: readonly { offset: number }[], now: number): Answer {
  if (offsets.length === 0) return answer('clock-unmeasured', 'No origin told the time.');
  // One origin with a wrong clock must not accuse ours.
  const sorted = offsets.map(o => o.offset).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const evidence = [
    `${new Date(now).toISOString()} here; against ${offsets.length} origins ${(median / 1000).toFixed(1)} s in the median`,
  ];
  return Math.abs(median) > CLOCK_MS
    ? answer(
        'clock-off',
        `The clock is ${Math.abs(median / 1000).toFixed(0)} s ${median > 0 ? 'ahead' : 'behind'}.`,
        evidence,
      )
    : answer('clock-good', 'The clock agrees with those of origins.', evidence);
}

type Reach = (at: { host: string; port: number }, way: ParentWay | null) => Promise<Dialed>;

/** The ways out of this installation, as its workers have them. */
export function waysOut({ settings, patience }: Pick<Patient, 'settings' | 'patience'>): Reach {
  const resolve = createResolver({ statics: staticNames(settings['origin.resolve']), timeout: patience });
  const rules = () => ({
    allow: settings['egress.allow'],
    ownListeners: [...settings['proxy.listen'], ...settings['console.listen'], ...settings['metrics.listen']],
  });
  const dialer = createDialer(resolve, rules);
  const parents = parentsOf(settings, { resolve, rules, ownCas: ownAuthorities(settings['data-dir']) });
  return (at, way) => {
    let cancel: ((fault: Fault) => void) | null = null;
    const onCancellable = (c: ((fault: Fault) => void) | null): void => {
      cancel = c;
    };
    const timer = setTimeout(() => {
      cancel?.(
        new Fault(way === null ? 'origin-connect-timeout' : 'parent-unreachable', 'no answer in time'),
      );
    }, patience);
    const going =
      way === null
        ? dialer.dial(at.host, at.port, { onCancellable })
        : parents.connect(way, at.host, at.port, {
            onCancellable,
            patience,
            limits: DEFAULT_LIMITS,
            client: '',
          });
    return going.finally(() => {
      clearTimeout(timer);
    });
  };
}

async function tryOrigin(
  patient: Patient,
  reach: Reach,
  at: { host: string; port: number },
  groups: readonly ParentWay[],
): Promise<{ answer: Answer; offset: number | null }> {
  const name = at.port === 443 ? at.host : `${at.host}:${at.port}`;
  const evidence: string[] = [];
  try {
    const dialed = await reach(at, null).catch((straight: unknown) => {
      const [first] = groups;
      if (first === undefined) throw straight;
      evidence.push(`straight: ${faultText(straight)}`);
      return reach(at, first);
    });
    evidence.push(`TCP to ${dialed.address}`);
    const { tls, chain } = await handshake(patient, dialed, at.host);
    evidence.push(
      `${tls.getProtocol() ?? ''}, ${tls.getCipher().standardName}, ALPN ${tls.alpnProtocol === false || tls.alpnProtocol === null ? 'none' : tls.alpnProtocol}`,
      ...chain,
    );
    const offset = await clockOf(tls, at.host, patient);
    return { answer: answer('origin-good', `${name} completes TLS and proves its name.`, evidence), offset };
  } catch (error) {
    const fault = error instanceof Fault ? error : new Fault('origin-tls-failed', words(error));
    evidence.push(`${fault.code}: ${fault.message}`, ...chainOf(error), fault.entry.hint);
    const { side, phase } = FAULTS[fault.code];
    const code =
      side !== 'origin' ? 'origin-ours' : phase === 'dial' ? 'origin-unreachable' : 'origin-theirs';
    return { answer: answer(code, `${name} cannot be reached as it should.`, evidence), offset: null };
  }
}

/** What a certificate that was refused looked like, carried by the error to whoever tells it. */
const chains = new WeakMap<object, string[]>();
const chainOf = (error: unknown): string[] =>
  typeof error === 'object' && error !== null ? (chains.get(error) ?? []) : [];

function handshake(
  { settings, patience }: Patient,
  { socket }: Dialed,
  host: string,
): Promise<{ tls: TLSSocket; chain: string[] }> {
  const ownCas = ownAuthorities(settings['data-dir']);
  return new Promise((resolve, reject) => {
    let chain: string[] = [];
    const tls = startVerifiedTls(socket, {
      name: host,
      secureContext: originContexts(settings['origin.trust'], settings['origin.extra-ca'])('modern'),
      ownCas,
      alpn: ['http/1.1'],
      onShown: cert => {
        chain = describeChain(cert);
      },
    });
    const fail = (fault: Fault): void => {
      clearTimeout(timer);
      chains.set(fault, chain);
      tls.destroy();
      reject(fault);
    };
    const timer = setTimeout(() => {
      fail(new Fault('origin-tls-timeout'));
    }, patience);
    tls.once('secureConnect', () => {
      clearTimeout(timer);
      resolve({ tls, chain });
    });
    tls.on('error', (error: Error) => {
      fail(originTlsFault(error));
    });
    tls.on('close', () => {
      fail(new Fault('origin-tls-failed', 'connection closed during the handshake'));
    });
  });
}

function describeChain(cert: DetailedPeerCertificate): string[] {
  const lines: string[] = [];
  for (
    let link: DetailedPeerCertificate | undefined = cert;
    link?.fingerprint256 !== undefined && lines.length < MAX_CHAIN;
    link = link.issuerCertificate === link ? undefined : link.issuerCertificate
  )
    lines.push(
      `certificate ${lines.length}: ${nameOf(link.subject)}, by ${nameOf(link.issuer)}, until ${link.valid_to}`,
    );
  return lines;
}

const nameOf = (name: DetailedPeerCertificate['subject'] | undefined): string =>
  [name?.CN, name?.O].flat().filter(Boolean).join(', ') || 'nameless';

function ownAuthorities(dataDir: string): Set<string> {
  try {
    const { fingerprint256 } = new X509Certificate(readFileSync(join(dataDir, 'ca', CERTIFICATE_FILE)));
    return new Set([fingerprint256.replaceAll(':', '').toLowerCase()]);
  } catch {
    // No authority yet: nothing of ours can be met.
    return new Set();
  }
}

/** How far our clock is ahead of the origin's, ms; null when it does not say. */
function clockOf(tls: TLSSocket, host: string, { now, patience }: Patient): Promise<number | null> {
  const asked = now();
  return new Promise(resolve => {
    let head = '';
    const done = (offset: number | null): void => {
      clearTimeout(timer);
      tls.removeAllListeners('data');
      tls.destroy();
      resolve(offset);
    };
    const timer = setTimeout(() => {
      done(null);
    }, patience);
    tls.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const told = /^date: *(.+)$/im.exec(head.slice(0, head.indexOf('\r\n\r\n')));
      const time = told === null ? NaN : Date.parse(told[1] ?? '');
      if (!Number.isNaN(time)) {
        // Told somewhere between question and answer, and cut to the second.
        done((asked + now()) / 2 - (time + 500));
      } else if (head.includes('\r\n\r\n') || head.length > MAX_HEAD) done(null);
    });
    tls.once('close', () => {
      done(null);
    });
    const authority = host.includes(':') ? `[${host}]` : host;
    tls.write(`HEAD / HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
  });
}

/** A fault with its code, anything else in its own words. */
export const faultText = (error: unknown): string =>
  error instanceof Fault ? `${error.code}${error.detail === null ? '' : ` (${error.detail})`}` : words(error);
