/**
 * The `parents` of a policy document: groups of upstream HTTP proxies that rules send flows through. Addresses are made
 * canonical here; whether anybody answers there shows only when a flow goes that way, and whether the secret
 * that a group names can be read is for control/secret-check.ts. A group is a list of members, or a mapping with `members`, `spread` and `credentials`.
 *
 * Bounds: 100 groups, 16 members each.
 */
import { canonicalHost, splitHostPort } from '../core/host-name.ts';
import type { ParentGroup } from './rule.ts';
import type { Place, YamlReader } from './yaml-reader.ts';

const MAX_GROUPS = 100;
const MAX_MEMBERS = 16;
const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Members by group. A group with problems is there, so that rules which name it add none of their own; `lines` holds the
 *  place of each. */
export function readParents(
  reader: YamlReader,
  place: Place | undefined,
): { groups: Record<string, ParentGroup>; lines: Record<string, number> } {
  const groups: Record<string, ParentGroup> = {};
  const lines: Record<string, number> = {};
  const entries = place === undefined ? null : reader.mapping(place, null);
  if (entries === null || place === undefined) return { groups, lines };
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
    groups[name] = readGroup(reader, item);
    lines[name] = reader.position({ ...item, node: null }).line;
  }
  return { groups, lines };
}

function readGroup(reader: YamlReader, place: Place): ParentGroup {
  if (!reader.isMapping(place)) return { members: readMembers(reader, place) };
  const entries = reader.mapping(place, GROUP_KEYS);
  const members = entries?.get('members');
  if (entries !== null && members === undefined)
    reader.problem(
      place,
      `${place.path} has no members`,
      'Add "members:" with the addresses of its proxies.',
    );
  const spread = entries?.get('spread');
  const by = spread === undefined ? null : reader.oneOf(spread, SPREADS);
  const login = readSecretName(reader, entries?.get('credentials'));
  return {
    members: members === undefined ? [] : readMembers(reader, members),
    ...(by === null || by === 'no' ? {} : { spread: by }),
    ...(login === null ? {} : { login }),
  };
}

/** The name of a file in the folder of secrets: never a path, so that a policy reaches no other file. */
function readSecretName(reader: YamlReader, place: Place | undefined): string | null {
  const name = place === undefined ? null : reader.text(place);
  if (place === undefined || name === null || GROUP_NAME.test(name)) return name;
  // A password in the wrong place must not end in a log: the value is not repeated.
  reader.problem(
    place,
    `${place.path} is no name of a secret`,
    'Name a file of the folder `parent.secrets`, such as corp-proxy; user and password stand in that file.',
  );
  return null;
}

function readMembers(reader: YamlReader, place: Place): string[] {
  const members: string[] = [];
  const items = reader.isEmpty(place) ? [] : reader.items(place);
  if (items.length === 0) reader.problem(place, `${place.path} names no proxy`, HINT);
  if (items.length > MAX_MEMBERS) reader.problem(place, `more than ${MAX_MEMBERS} proxies in one group`);
  for (const item of items.slice(0, MAX_MEMBERS)) {
    const text = reader.text(item);
    if (text === null) continue;
    const secure = /^https:\/\//i.test(text);
    const split = splitHostPort(text.replace(/^https?:\/\//i, ''), null);
    const host = split === null ? null : canonicalHost(split.host);
    if (split === null || split.port === 0 || host === null || host.kind === 'invalid') {
      // A URL may hold a password, which must not be repeated.
      const told = text.includes('@') ? 'this' : `"${text}"`;
      reader.problem(item, `${told} is no address of a proxy`, text.includes('@') ? AT_HINT : HINT);
      continue;
    }
    const at = host.name.includes(':') ? `[${host.name}]:${split.port}` : `${host.name}:${split.port}`;
    const member = secure ? `https://${at}` : at;
    if (members.includes(member)) reader.problem(item, `"${member}" stands twice in ${place.path}`);
    members.push(member);
  }
  return members;
}

const GROUP_KEYS = ['members', 'spread', 'credentials'] as const;
const SPREADS = ['no', 'client', 'host'] as const;
const HINT =
  'Write host and port of an HTTP proxy: proxy1.corp.example:3128, or https://proxy1.corp.example:3129 for TLS with it.';
const AT_HINT =
  'Credentials stand in no policy: put them into a file of `parent.secrets` and name it as "credentials".';
