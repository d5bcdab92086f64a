/**
 * The formats that lists can be read from and written to, and how the format of a file is told from its first lines.
 * Import and export, command line and documentation all go by these two tables.
 */
import { adblockExporter, adblockImporter } from './formats/adblock.ts';
import { csvExporter, csvImporter, isCsvHeader } from './formats/csv.ts';
import { dnsmasqExporter, dnsmasqImporter } from './formats/dnsmasq.ts';
import { haproxyExporter, haproxyImporter } from './formats/haproxy.ts';
import { hostsExporter, hostsImporter } from './formats/hosts.ts';
import { jsonExporter, jsonImporter } from './formats/json.ts';
import { nginxExporter, nginxImporter } from './formats/nginx.ts';
import { pacExporter } from './formats/pac.ts';
import { panEdlExporter, panEdlImporter } from './formats/pan-edl.ts';
import { plainExporter, plainImporter } from './formats/plain.ts';
import { rpzExporter, rpzImporter } from './formats/rpz.ts';
import { sightglassExporter, sightglassImporter } from './formats/sightglass.ts';
import { squidExporter, squidImporter } from './formats/squid.ts';
import { squidguardExporter, squidguardImporter } from './formats/squidguard.ts';
import { suricataExporter, suricataImporter } from './formats/suricata.ts';
import { unboundExporter, unboundImporter } from './formats/unbound.ts';
import type { Importer } from './reader.ts';
import type { Exporter } from './writer.ts';

/** In the order in which they are asked when two recognise equally many lines: the more particular first. */
export const IMPORTERS: readonly Importer[] = [
  jsonImporter,
  adblockImporter,
  suricataImporter,
  unboundImporter,
  dnsmasqImporter,
  rpzImporter,
  hostsImporter,
  squidImporter,
  nginxImporter,
  sightglassImporter,
  plainImporter,
  csvImporter,
  squidguardImporter,
  haproxyImporter,
  panEdlImporter,
];

export const EXPORTERS: readonly Exporter[] = [
  plainExporter,
  csvExporter,
  jsonExporter,
  hostsExporter,
  adblockExporter,
  squidExporter,
  squidguardExporter,
  dnsmasqExporter,
  unboundExporter,
  rpzExporter,
  haproxyExporter,
  nginxExporter,
  suricataExporter,
  panEdlExporter,
  pacExporter,
  sightglassExporter,
];

/** Lines looked at to tell a format. */
const SAMPLE = 400;

/** What our own exports say of themselves (writer.ts): several formats look like plain lists and mean something else. */
const OWN_HEAD = /^(?:#|!|;|\/\/) Sightglass list .*, written for ([a-z-]+)$/m;

/**
 * The importer that the list names itself, when it is an export of ours; else the one whose lines these most look like, or null when fewer than half of the lines that are no comments are
 * recognised by any.
 */
export function detectFormat(sample: string): Importer | null {
  const named = OWN_HEAD.exec(sample.slice(0, 1000))?.[1];
  const own = IMPORTERS.find(i => i.format === named);
  if (own !== undefined) return own;
  const lines: string[] = [];
  for (const raw of sample.split('\n', SAMPLE * 2)) {
    const line = raw.replace(/^\ufeff/, '').trim();
    if (line !== '' && !/^(?:#|!|;|\/\/)/.test(line)) lines.push(line);
    if (lines.length >= SAMPLE) break;
  }
  const [first] = lines;
  if (first === undefined) return null;
  // JSON on few lines has no typical line but the first.
  if (jsonImporter.recognises(first)) return jsonImporter;
  if (/^\[adblock/i.test(first)) return adblockImporter;
  if (isCsvHeader(first)) return csvImporter;
  if (first === 'version: 1') return sightglassImporter;
  let best: Importer | null = null;
  let bestCount = lines.length / 2 - 0.5;
  for (const importer of IMPORTERS) {
    const count = lines.filter(l => importer.recognises(l)).length;
    if (count > bestCount) {
      best = importer;
      bestCount = count;
    }
  }
  return best;
}
