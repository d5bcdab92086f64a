/**
 * A month of an office's traffic, invented from a seed: people with one or two browsers each, sites by Zipf's law with paths of
 * their own, ids and hashes in paths, header blocks as browsers and servers send them, a working-day curve, weekends,
 * and a few needles that the search bench looks for. The same seed gives the same records, day by day.
 *
 * What it does not promise: to be anybody's real traffic. The shares that matter to a store (how many texts are new, how
 * long they are, how they repeat) are stated as constants below and were chosen on the heavy side.
 */
import { FLOWS_PER_PRODUCER } from '../src/core/records.ts';
import { AGENTS, BLOCK, INSPECT, PASS, random, TLDS, TYPES, WORDS, zipf } from './traffic-parts.ts';
import type { OpenFlow, Person, Site, Sort } from './traffic-parts.ts';
import type { FlowFacts } from '../src/core/facts.ts';
import type { AuditRecord, ExchangeRecord, FlowOpenRecord } from '../src/core/records.ts';
import type { Verdict } from '../src/core/verdict.ts';

const DAY_MS = 86_400_000;
const PEOPLE = 1500;
const HOSTS = 20_000;
/** Exchanges of one connection on average. */
const PER_FLOW = 8;
/** Connections open at the same time. */
const OPEN_FLOWS = 300;
/** Share of a day's traffic in each hour: an office. */
const HOURS = [1, 1, 1, 1, 1, 2, 6, 20, 55, 80, 90, 85, 60, 75, 88, 84, 70, 45, 20, 10, 7, 5, 3, 2];
const WEEKEND = 0.12;

/** What the bench looks for: each of these occurs exactly as often and where it says. */
export const NEEDLES = {
  /** One exchange on the day with this index. */
  host: { day: 3, host: 'quokka.needle.example' },
  path: { day: 5, text: '/vault/xylophone-9f3ab/contract.pdf' },
  header: { day: 8, value: 'zanzibar-4711' },
  user: { day: 11, user: 'mallory' },
} as const;

export class Traffic {
  private readonly rnd: () => number;
  private readonly people: Person[];
  private readonly sites: (Site | null)[];
  private readonly pickSite: (r: number) => number;
  private readonly pickPerson: (r: number) => number;
  private readonly pickAsset: (r: number) => number;
  private readonly flows: OpenFlow[] = [];
  private nextFlow: number;

  constructor(seed: number, producer: number) {
    this.rnd = random(seed);
    this.nextFlow = producer * FLOWS_PER_PRODUCER + 1;
    this.pickSite = zipf(HOSTS, 1.05);
    this.pickPerson = zipf(PEOPLE, 0.4);
    this.pickAsset = zipf(60, 0.9);
    this.people = Array.from({ length: PEOPLE }, (_, i) => ({
      client: `10.${1 + (i % 4)}.${(i >> 2) % 40}.${1 + ((i * 7) % 250)}`,
      user: i % 10 < 7 ? `${this.word()}.${this.word()}${i}` : null,
      agents: [this.one(AGENTS), this.one(AGENTS)],
      language: this.one(['en-GB,en;q=0.9', 'de-DE,de;q=0.9,en;q=0.6', 'fr-FR,fr;q=0.8,en;q=0.5']),
    }));
    this.sites = Array.from({ length: HOSTS }, () => null);
  }

  /** Share of the exchanges of a month that falls on each day; day 0 is `first`. */
  static shares(first: number, days: number): number[] {
    const weights = Array.from({ length: days }, (_, d) => {
      const weekday = new Date(first + d * DAY_MS).getUTCDay();
      return weekday === 0 || weekday === 6 ? WEEKEND : 1;
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map(w => w / sum);
  }

  /** Records of one day in the order in which a worker leaves them, a group per exchange. `day` is its index. */
  *day(start: number, count: number, day: number): Generator<{ time: number; records: AuditRecord[] }> {
    const sums: number[] = [];
    let sum = 0;
    for (const h of HOURS) sums.push((sum += h));
    for (let i = 0; i < count; i++) {
      const at = ((i + 0.5) / count) * sum;
      const hour = sums.findIndex(s => s >= at);
      const inHour = 1 - ((sums[hour] ?? 0) - at) / (HOURS[hour] ?? 1);
      const time = start + (hour + inHour) * 3_600_000;
      const records: AuditRecord[] = [];
      const slot = Math.floor(this.rnd() * OPEN_FLOWS);
      let flow = this.flows[slot];
      if (flow === undefined || flow.left === 0) {
        if (flow !== undefined) records.push(this.close(flow, time));
        if (this.rnd() < 0.25) records.push(...this.unread(time));
        flow = this.open(time, records);
        this.flows[slot] = flow;
      }
      records.push(this.exchange(flow, time, this.needle(day, i, count)));
      yield { time, records };
    }
  }

  private needle(day: number, i: number, count: number): Partial<ExchangeRecord> & { extra?: string } {
    if (i !== count >> 1) return {};
    if (day === NEEDLES.host.day) return { host: NEEDLES.host.host };
    if (day === NEEDLES.path.day) return { path: NEEDLES.path.text };
    if (day === NEEDLES.header.day) return { extra: `X-Trace-Token: ${NEEDLES.header.value}\r\n` };
    if (day === NEEDLES.user.day) return { user: NEEDLES.user.user };
    return {};
  }

  private word(): string {
    return this.one(WORDS);
  }

  private one<T>(list: readonly T[]): T {
    return list[Math.floor(this.rnd() * list.length)] as T;
  }

  private hex(digits: number): string {
    let text = '';
    while (text.length < digits)
      text += Math.floor(this.rnd() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return text.slice(0, digits);
  }

  private site(index: number): Site {
    const known = this.sites[index];
    if (known !== null && known !== undefined) return known;
    const host = `${this.one(['www', 'api', 'cdn', 'static', 'app', 'img', 'm', 'login'])}.${this.word()}-${this.word()}${index % 10 === 0 ? '' : index}.${this.one(TLDS)}`;
    const h2 = this.rnd() < 0.7;
    const site: Site = {
      host,
      server: this.one([
        'nginx',
        'nginx/1.24.0',
        'cloudflare',
        'Apache',
        'ECS (lhd/35A6)',
        'gws',
        'AmazonS3',
      ]),
      words: Array.from({ length: 6 }, () => this.word()),
      http2: h2,
      cdn: this.rnd() < 0.4,
      verdict: INSPECT[index % 40 === 7 ? 1 : index % 60 === 9 ? 2 : 0] as Verdict,
      hello: {
        sni: host,
        rawSni: host,
        alpn: h2 ? ['h2', 'http/1.1'] : ['http/1.1'],
        versions: ['TLS 1.3', 'TLS 1.2'],
        ciphers: [4865, 4866, 4867, 49195, 49199, 49196, 49200, 52393, 52392, 49171, 49172, 156, 157, 47, 53],
        groups: [4588, 29, 23, 24],
        ja3: 'e7d705a3286e19ea42f587b344ee6865',
        ja4: `t13d1516h2_8daaf615277${index % 4}_e5627efa2ab1`,
        ech: 'grease-or-real',
        grease: true,
        size: 1786,
      },
      assets: Array.from({ length: 60 }, (_, i) => {
        const kind = (['js', 'css', 'webp', 'woff2'] as const)[i % 4] ?? 'js';
        return `/static/${this.word()}/${this.word()}.${this.hex(8)}.${kind}`;
      }),
    };
    this.sites[index] = site;
    return site;
  }

  private facts(site: Site, person: Person): FlowFacts {
    return {
      now: 0,
      client: person.client,
      user: person.user,
      groups: [],
      listener: '0.0.0.0:8080',
      ingress: 'connect',
      scheme: 'https',
      host: site.host,
      hostKind: 'name',
      port: 443,
      outcome: 'hello',
      hello: site.hello,
    };
  }

  private start(time: number, site: Site, person: Person, verdict: Verdict): FlowOpenRecord {
    return {
      kind: 'flow-open',
      flow: this.nextFlow++,
      time: time - 20 - this.rnd() * 60,
      client: person.client,
      clientPort: 32_768 + Math.floor(this.rnd() * 28_000),
      facts: this.facts(site, person),
      verdict,
    };
  }

  private open(time: number, records: AuditRecord[]): OpenFlow {
    const site = this.site(this.pickSite(this.rnd()));
    const person = this.people[this.pickPerson(this.rnd())] as Person;
    const start = this.start(time, site, person, site.verdict);
    records.push(start);
    return {
      id: start.flow,
      n: 0,
      left: 1 + Math.floor(-Math.log(1 - this.rnd()) * (PER_FLOW - 0.5)),
      site,
      person,
      agent: this.one(person.agents),
      start,
      bytesUp: 1800,
      bytesDown: 4200,
    };
  }

  private close(flow: OpenFlow, time: number): AuditRecord {
    return this.ledger(flow.start, time, flow.n, flow.bytesUp, flow.bytesDown, null);
  }

  private ledger(
    start: FlowOpenRecord,
    time: number,
    exchanges: number,
    up: number,
    down: number,
    fault: string | null,
  ): AuditRecord {
    const alpn = start.facts?.hello?.alpn[0] ?? 'http/1.1';
    const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpn, resumed: this.rnd() < 0.4 };
    return {
      ...start,
      kind: 'flow',
      ms: Math.max(5, Math.round(time - start.time)),
      bytesUp: up,
      bytesDown: down,
      exchanges,
      fault,
      faultDetail: fault === null ? null : 'connect timed out after 10 s',
      originAddress: `203.0.${start.flow % 113}.${start.flow % 251}`,
      clientTls: exchanges === 0 ? null : tls,
      originTls: exchanges === 0 ? null : tls,
      originCert: null,
      leafSerial: exchanges === 0 ? null : this.hex(32),
    };
  }

  /** A connection whose exchanges nobody sees: passed through, blocked, or failed. */
  private unread(time: number): AuditRecord[] {
    const r = this.rnd();
    const site = this.site(this.pickSite(this.rnd()));
    const person = this.people[this.pickPerson(this.rnd())] as Person;
    const start = this.start(
      time,
      site,
      person,
      r < 0.75 ? PASS : r < 0.95 ? BLOCK : (INSPECT[0] as Verdict),
    );
    const fault = r < 0.95 ? null : 'dial-timeout';
    return [start, this.ledger(start, time + 900, 0, 2400, r < 0.75 ? 48_000 : 0, fault)];
  }

  private target(site: Site): { sort: Sort; path: string; method: string } {
    const r = this.rnd();
    if (r < 0.4) {
      const path = site.assets[this.pickAsset(this.rnd())] ?? '/';
      const sort = path.endsWith('js')
        ? 'script'
        : path.endsWith('css')
          ? 'style'
          : path.endsWith('webp')
            ? 'image'
            : 'font';
      return { sort, path, method: 'GET' };
    }
    const [a = '', b = '', c = ''] = site.words;
    if (r < 0.55) return { sort: 'page', path: r < 0.48 ? '/' : `/${a}/${b}`, method: 'GET' };
    const id = Math.floor(this.rnd() * 900_000) + 100_000;
    if (r < 0.75)
      return {
        sort: 'json',
        path: `/api/v${1 + (id % 3)}/${a}/${id}/${c}${id % 2 === 0 ? `?page=${id % 40}&sort=${b}` : ''}`,
        method: id % 5 === 0 ? 'POST' : id % 23 === 0 ? 'PUT' : 'GET',
      };
    if (r < 0.83)
      return { sort: 'image', path: `/media/${this.hex(16)}.webp?w=${200 + (id % 5) * 160}`, method: 'GET' };
    if (r < 0.9)
      return {
        sort: 'page',
        path: `/search?q=${this.word()}+${this.word()}&lang=en&start=${(id % 8) * 10}`,
        method: 'GET',
      };
    if (r < 0.98)
      return {
        sort: 'beacon',
        path: `/collect?v=2&tid=${this.hex(10)}&cid=${id}.${id + 77}&ev=${c}`,
        method: 'POST',
      };
    return { sort: 'video', path: `/stream/${this.hex(12)}/seg-${id % 900}.m4s`, method: 'GET' };
  }

  private exchange(
    flow: OpenFlow,
    time: number,
    { extra, ...changes }: Partial<ExchangeRecord> & { extra?: string },
  ): ExchangeRecord {
    const { site, person } = flow;
    const { sort, path, method } = this.target(site);
    const r = this.rnd();
    const status =
      r < 0.84
        ? sort === 'beacon'
          ? 204
          : 200
        : r < 0.91
          ? 304
          : r < 0.94
            ? 302
            : r < 0.975
              ? 404
              : r < 0.985
                ? 403
                : r < 0.99
                  ? 401
                  : r < 0.995
                    ? 500
                    : 503;
    const fault = r > 0.999 ? 'origin-reset' : null;
    const size =
      status === 200
        ? Math.floor(400 + -Math.log(1 - this.rnd()) * (sort === 'video' ? 900_000 : 18_000))
        : 0;
    const body = method === 'GET' ? 0 : Math.floor(40 + this.rnd() * 1200);
    const ms = 4 + -Math.log(1 - this.rnd()) * (sort === 'video' ? 900 : 80);
    flow.n++;
    flow.left--;
    flow.bytesUp += 700 + body;
    flow.bytesDown += 600 + size;
    return {
      kind: 'exchange',
      flow: flow.id,
      n: flow.n,
      time,
      ms,
      wait: ms * 0.8,
      client: person.client,
      user: person.user,
      method,
      scheme: 'https',
      host: site.host,
      port: 443,
      path,
      status: fault === null ? status : null,
      protocol: site.http2 ? 'h2' : 'HTTP/1.1',
      verdict: site.verdict,
      capture: 'headers',
      reqHeaders: this.requestHead(flow, sort, body) + (extra ?? ''),
      resHeaders: fault === null ? this.responseHead(site, sort, status, size, time) : '',
      contentType: fault !== null || status === 204 || status === 304 ? null : TYPES[sort],
      req: { size: body, kept: 0, sha256: null, truncated: false },
      res: { size, kept: 0, sha256: null, truncated: false },
      fault,
      faultDetail: null,
      upgraded: false,
      ...changes,
    };
  }

  private requestHead({ site, person, agent }: OpenFlow, sort: Sort, body: number): string {
    const accept =
      sort === 'page'
        ? 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
        : sort === 'image' || sort === 'beacon'
          ? 'image/avif,image/webp,image/apng,*/*;q=0.8'
          : '*/*';
    const refer =
      sort === 'page'
        ? ''
        : `referer: https://${site.host}/${site.words[Math.floor(this.rnd() * 6)] ?? ''}\r\n`;
    return (
      `host: ${site.host}\r\nuser-agent: ${agent}\r\naccept: ${accept}\r\naccept-encoding: gzip, deflate, br, zstd\r\n` +
      `accept-language: ${person.language}\r\nsec-fetch-site: same-origin\r\nsec-fetch-mode: ${sort === 'page' ? 'navigate' : 'no-cors'}\r\n` +
      refer +
      (this.rnd() < 0.5 ? 'cookie: ***\r\n' : '') +
      (body > 0 ? `content-type: application/json\r\ncontent-length: ${body}\r\n` : '')
    );
  }

  private responseHead(site: Site, sort: Sort, status: number, size: number, time: number): string {
    const date = new Date(time).toUTCString();
    return (
      `date: ${date}\r\nserver: ${site.server}\r\n` +
      (status === 304 || status === 204
        ? ''
        : `content-type: ${TYPES[sort]}\r\ncontent-length: ${size}\r\n`) +
      (status === 302 ? `location: https://${site.host}/${this.word()}/${this.hex(6)}\r\n` : '') +
      (sort === 'json' || sort === 'page'
        ? `cache-control: no-store\r\nx-request-id: ${this.hex(24)}\r\n`
        : `cache-control: public, max-age=31536000\r\netag: "${this.hex(12)}"\r\n`) +
      (site.cdn ? `cf-ray: ${this.hex(16)}-FRA\r\nvary: accept-encoding\r\n` : '') +
      (this.rnd() < 0.15 ? 'set-cookie: ***; Path=/; Secure; HttpOnly\r\n' : '') +
      'strict-transport-security: max-age=31536000\r\nx-content-type-options: nosniff\r\n'
    );
  }
}
