/**
 * The `parents` of a policy document: groups of upstream HTTP proxies that rules send flows through. Addresses are made
 * canonical here; whether anybody answers there shows only when a flow goes that way.
 *
 * Bounds: 100 groups, 16 members each.
 */
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const MAX_GROUPS = 100;
const MAX_MEMBERS = 16;
const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Members by group. A group with problems is there, so that rules which name it add none of their own. */
export function readParents(reader: YamlReader, place: Place | undefined): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  const entries = place === undefined ? null : reader.mapping(place, null);
  if (entries === null || place === undefined) return groups;
  if (entries.size > MAX_GROUPS) reader.problem(place, `more than ${MAX_GROUPS} parent groups`);
  for (const [name, item] of entries) {
    if (!GROUP_NAME.test(name)) {
      reader.problem(
        item.offset,
        `"${name}" is no usable group name`,
        'Use letters, digits, dot, dash and underscore.',
      );
      continue;
    }
    groups[name] = readMembers(reader, item);
  }
  return groups;
}

function readMembers(reader: YamlReader, place: Place): string[] {
  const members: string[] = [];
  const items = reader.isEmpty(place) ? [] : reader.items(place);
  if (items.length === 0) reader.problem(place, `${place.path} names no proxy`, HINT);
  if (items.length > MAX_MEMBERS) reader.problem(place, `more than ${MAX_MEMBERS} proxies in one group`);
  for (const item of items.slice(0, MAX_MEMBERS)) {
    const text = reader.text(item);
    if (text === null) continue;
    const split = splitHostPort(text, null);
    const host = split === null ? null : canonicalHost(split.host);
    if (split === null || split.port === 0 || host === null || host.kind === 'invalid') {
      reader.problem(item, `"${text}" is no address of a proxy`, HINT);
      continue;
    }
    const member = host.name.includes(':') ? `[${host.name}]:${split.port}` : `${host.name}:${split.port}`;
    if (members.includes(member)) reader.problem(item, `"${member}" stands twice in ${place.path}`);
    members.push(member);
  }
  return members;
}

const HINT = 'Write host and port of an HTTP proxy: proxy1.corp.example:3128.';
