/** Lists of the fake console: what they hold, exports and imports, with hostile text where strangers may write. */
import type {
  ImportView,
  ListEntriesView,
  ListPreview,
  ListsView,
  ListTokenMade,
  ListTokensView,
} from '../../../web/contract.ts';
import { LIST_SETS } from '../../../web/contract.ts';
import { HOSTILE as STRANGE } from './hostile.ts';

export const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
export const DAY = 86_400_000;

export const HOSTILE = {
  rule: STRANGE[1] ?? '',
  pattern: STRANGE[2] ?? '',
  comment: `${STRANGE[0]}${STRANGE[9]}`,
  user: STRANGE[6] ?? '',
  host: STRANGE[4] ?? '',
};

export function listsOf(version: string): ListsView {
  return {
    version,
    lists: [
      {
        name: 'gambling',
        source: 'file',
        file: 'lists/gambling.txt',
        entries: 41_391,
        bytes: 812_004,
        modified: ago(3 * DAY),
        copy: null,
        notes: [],
        rules: ['gambling'],
        allowPublicSuffix: false,
        signed: false,
        problems: [],
      },
      {
        name: 'finance',
        source: 'inline',
        file: null,
        entries: 2,
        bytes: null,
        modified: null,
        copy: null,
        notes: [],
        rules: ['finance'],
        allowPublicSuffix: false,
        signed: false,
        problems: [],
      },
      {
        name: 'health',
        source: 'file',
        file: 'lists/health.txt',
        entries: 318,
        bytes: 5_120,
        modified: ago(200 * DAY),
        copy: null,
        notes: [],
        rules: [],
        allowPublicSuffix: true,
        signed: false,
        problems: [
          {
            file: 'health.txt',
            line: 17,
            column: 1,
            message: `"${HOSTILE.pattern}": a label has a character that names cannot have`,
            hint: 'One pattern per line: example.com, *.example.com or .example.com.',
          },
        ],
      },
      {
        name: 'threats',
        source: 'url',
        file: 'https://lists.example/threats.txt',
        entries: 120_331,
        bytes: null,
        modified: null,
        copy: {
          fetched: ago(4 * DAY),
          checked: ago(4 * DAY),
          refresh: DAY,
          overdue: true,
          failed: { time: ago(3_600_000), message: `its signature does not fit ${HOSTILE.comment}` },
          untrusted: true,
          signature: { key: 'C9148DC969B03D13', comment: `timestamp:1795188825 ${HOSTILE.pattern}` },
          held: { n: 13, since: ago(2 * DAY) },
        },
        notes: [],
        rules: ['gambling'],
        allowPublicSuffix: false,
        signed: false,
        problems: [],
      },
    ],
    formats: [
      {
        format: 'plain',
        about: 'one pattern per line, the format of list files in policies',
        says: 'one host alone, subdomains without the name itself, a name with its subdomains',
        sets: [...LIST_SETS],
        exceptions: 'Exceptions cannot be written; names that have some are withheld.',
        precedence: 'The rule that names the list decides; rules are tried in order.',
      },
      {
        format: 'hosts',
        about: 'hosts file; knows single hosts only',
        says: 'one host alone',
        sets: ['deny'],
        exceptions: 'Exceptions cannot be written; names that have some are withheld.',
        precedence: 'The first line of a name counts. Subdomains are not covered.',
      },
    ],
    importers: [
      { format: 'hosts', about: 'hosts file: 0.0.0.0 ads.example' },
      { format: 'plain', about: 'one name per line: example.com, *.example.com, .example.com' },
    ],
    inGit: false,
  };
}

export function entriesOf(params: URLSearchParams): ListEntriesView {
  const find = params.get('find') ?? '';
  const all = ['bets.example', '*.casino.example', 'poker.example', 'xn--bcher-kva.example'];
  const entries = all.filter(name => name.includes(find));
  return { list: params.get('list') ?? '', entries, found: entries.length, total: 41_391 };
}

export function previewOf(params: URLSearchParams): ListPreview {
  const hosts = params.get('format') === 'hosts';
  return {
    format: params.get('format') ?? '',
    files: [
      {
        name: hosts ? 'sightglass-deny.hosts' : 'sightglass-deny.txt',
        lines: 20_122,
        bytes: 401_330,
        head: [
          '# Sightglass list "sightglass-deny" (deny), 20118 entries',
          '# generated 2026-11-20T12:00:00.000Z, policy 3fa2c19b0d4e',
          ...['bets.example', 'poker.example', HOSTILE.comment].map(name =>
            hosts ? `0.0.0.0 ${name}` : name,
          ),
        ],
      },
    ],
    written: 20_118,
    exceptions: 0,
    duplicates: 12,
    covered: 340,
    withheld: hosts
      ? {
          total: 21_273,
          reasons: [{ reason: 'hosts cannot express subdomains without the name itself', count: 21_273 }],
          first: [
            {
              pattern: '*.casino.example',
              reason: 'hosts cannot express subdomains without the name itself',
            },
          ],
        }
      : { total: 0, reasons: [], first: [] },
    narrowed: { total: 0, reasons: [], first: [] },
    notes: ['rule "fair guests" has expired and is left out'],
  };
}

export function importOf(params: Record<string, string>, text: string): ImportView {
  const lines = text.split('\n').filter(line => line !== '');
  const bad = lines.findIndex(line => line.includes(' '));
  return {
    format: 'plain',
    detected: true,
    bytes: text.length,
    entries: lines.length - (bad < 0 ? 0 : 1),
    ignored: 0,
    rejected: bad < 0 ? 0 : 1,
    reasons: bad < 0 ? [] : [{ reason: 'a label has a character that names cannot have', count: 1 }],
    rejects:
      bad < 0
        ? []
        : [
            {
              file: null,
              line: bad + 1,
              reason: 'a label has a character that names cannot have',
              text: lines[bad] ?? '',
            },
          ],
    categories: [],
    exceptionsLeft: 0,
    plan: {
      name: params['name'] ?? '',
      file: `lists/${params['name']}.txt`,
      known: params['name'] === 'gambling',
      before: 41_391,
      after: 41_393,
      added: 3,
      removed: 1,
      sample: ['+ new-bets.example', '+ *.luck.example', '+ dice.example', '- bets.example'],
      duplicates: 1,
      covered: 0,
      digest: 'd'.repeat(64),
    },
    exceptionsPlan: params['exceptions'] === undefined ? null : exceptionsOf(params['exceptions']),
    written: 'expect' in params,
  };
}

function exceptionsOf(name: string): NonNullable<ImportView['exceptionsPlan']> {
  return {
    name,
    file: `lists/${name}.txt`,
    known: false,
    before: 0,
    after: 1,
    added: 1,
    removed: 0,
    sample: ['+ .good-bets.example'],
    duplicates: 0,
    covered: 0,
    digest: 'd'.repeat(64),
  };
}

/** Tokens of devices, made and revoked as the console asks. */
export class FakeTokens {
  #tokens: ListTokensView['tokens'] = [
    { name: 'edge-firewall', created: ago(90 * DAY), used: ago(300_000) },
    { name: 'lab', created: ago(DAY), used: null },
  ];

  view(): ListTokensView {
    return { tokens: this.#tokens };
  }

  make(name: string): ListTokenMade {
    this.#tokens = [...this.#tokens, { name, created: ago(0), used: null }];
    return { name, token: 'fake'.repeat(11).slice(0, 43) };
  }

  revoke(name: string): object {
    this.#tokens = this.#tokens.filter(t => t.name !== name);
    return {};
  }
}
