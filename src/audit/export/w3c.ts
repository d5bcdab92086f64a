/**
 * W3C extended log file: directives, then one line per exchange with fields separated by a space, in UTC, `-` for what is not
 * known. Spaces inside a value become `+` as IIS writes them, everything else that could end a field or a line is
 * percent-encoded. `time-taken` is in seconds, as the draft says (IIS writes milliseconds). Pure.
 */
import { headField, urlOf } from './facts.ts';
import { isoTime } from './lines.ts';
import { field } from './squid.ts';
import type { Bounded } from './bound.ts';

const FIELDS = [
  'date',
  'time',
  'time-taken',
  'c-ip',
  'cs-username',
  'cs-method',
  'cs-uri',
  'cs-version',
  'sc-status',
  'sc-bytes',
  'cs-bytes',
  'cs(User-Agent)',
  'cs(Referer)',
  'x-verdict',
  'x-rule',
];

/** The directives at the beginning, each with its line's end. `now`: ms since epoch. */
export function w3cHead(now: number): string {
  const [date = '', time = ''] = isoTime(now).split('T');
  return `#Version: 1.0\n#Software: Sightglass\n#Date: ${date} ${time.slice(0, 8)}\n#Fields: ${FIELDS.join(' ')}\n`;
}

/** One exchange as one line; null for other records. */
export function w3cLine({ fed }: Bounded): string | null {
  if (fed.kind !== 'exchange') return null;
  const { row, detail } = fed;
  const stamp = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(isoTime(row.time));
  return [
    stamp?.[1] ?? '-',
    stamp?.[2] ?? '-',
    (row.ms / 1000).toFixed(3),
    row.client,
    row.user,
    row.method,
    urlOf(row),
    row.protocol,
    row.status,
    row.resBytes,
    row.reqBytes,
    headField(detail?.reqHeaders, 'user-agent'),
    headField(detail?.reqHeaders, 'referer'),
    row.verdict,
    row.rule,
  ]
    .map(value => field(String(value ?? '').replaceAll(' ', '+')))
    .join(' ');
}
