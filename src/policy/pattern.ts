/**
 * One domain pattern: a canonical name and what it covers. `example.com` is that name, `*.example.com` any name below
 * it, `.example.com` both. Every other room of lists speaks these three, because formats disagree about what a bare
 * or dotted name means (docs/policy.md).
 *
 * It does not promise that the name exists. A wildcard over a public suffix (`*.co.uk`) is refused unless the caller
 * says otherwise: in lists it is nearly always a mistake that covers a country.
 */
import { parse as parseSuffix } from 'tldts';
import { canonicalHost } from '../core/host-name.ts';

export type Match = 'exact' | 'subdomains' | 'both';
export const MATCHES: readonly Match[] = ['exact', 'subdomains', 'both'];

export interface Pattern {
  /** Canonical (core/host-name), never an IP literal. */
  name: string;
  match: Match;
}

export type PatternResult = { ok: Pattern; error?: undefined } | { ok?: undefined; error: string };

export interface PatternOptions {
  /** Accept `*.co.uk` and `.com`. Default false. */
  allowPublicSuffix?: boolean;
}

/** Parse one pattern as policy and plain lists write it. Never throws; the error is one clause for people. */
export function parsePattern(text: string, options: PatternOptions = {}): PatternResult {
  let match: Match = 'exact';
  let name = text;
  if (text.startsWith('*.')) {
    match = 'subdomains';
    name = text.slice(2);
  } else if (text.startsWith('.')) {
    match = 'both';
    name = text.slice(1);
  }
  return patternOf(name, match, options);
}

/** A pattern from a name in any spelling and an explicit kind; the door for every format other than our own. */
export function patternOf(rawName: string, match: Match, options: PatternOptions = {}): PatternResult {
  let name = rawName;
  if (!isPlainCanonical(rawName)) {
    const host = canonicalHost(rawName);
    if (host.kind === 'invalid')
      return { error: rawName.includes('*') ? 'a star may only stand for the first label' : host.reason };
    if (host.kind === 'ip') return { error: 'an address, not a domain name' };
    name = host.name;
  }
  if (match !== 'exact' && options.allowPublicSuffix !== true && isPublicSuffix(name))
    return { error: `${name} is a public suffix, a wildcard there covers everybody's names` };
  return { ok: { name, match } };
}

/** The text form that parsePattern reads back. */
export function patternText(pattern: Pattern): string {
  switch (pattern.match) {
    case 'exact':
      return pattern.name;
    case 'subdomains':
      return `*.${pattern.name}`;
    case 'both':
      return `.${pattern.name}`;
  }
}

/** Whether a canonical name is covered. The meaning of the three kinds, in the plainest words; sets must agree. */
export function patternCovers(pattern: Pattern, name: string): boolean {
  if (pattern.match !== 'subdomains' && name === pattern.name) return true;
  return pattern.match !== 'exact' && name.endsWith(`.${pattern.name}`);
}

/**
 * True when registries hand out names directly under `name` (the ICANN part of the Public Suffix List). The private
 * part (github.io and the like) is left out: to block all of a hosting service is a sensible rule.
 */
export function isPublicSuffix(name: string): boolean {
  // ICANN suffixes have at most four labels; most names in lists are shorter, so this only saves the rare long ones.
  let dots = 0;
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) === 46 && ++dots > 3) return false;
  const r = parseSuffix(name, SUFFIX_OPTIONS);
  if (r.publicSuffix !== name) return false;
  // A top-level name outside the list (`.corp`, `.local`) is somebody's own network; a listed one is a registry.
  return r.isIcann === true || (dots === 0 && isListedTop(name));
}

/** `ck` itself is only in the list as `*.ck`: then a name below it is a suffix although it is not. */
function isListedTop(name: string): boolean {
  return parseSuffix(`sightglass-probe.${name}`, SUFFIX_OPTIONS).isIcann === true;
}

const SUFFIX_OPTIONS = {
  allowPrivateDomains: false,
  extractHostname: false,
  validateHostname: false,
  detectIp: false,
  mixedInputs: false,
};

/**
 * True for names that canonicalHost would return unchanged, told in one pass. False only sends the name the slow way,
 * so it may be careful: names with an IDNA prefix, a numeric last label or an edge case go there.
 */
function isPlainCanonical(name: string): boolean {
  const length = name.length;
  if (length === 0 || length > 253) return false;
  let labelStart = 0;
  let letterInLabel = false;
  for (let i = 0; i <= length; i++) {
    const c = i === length ? 46 : name.charCodeAt(i);
    if (c === 46) {
      const labelLength = i - labelStart;
      if (labelLength === 0 || labelLength > 63) return false;
      if (name.charCodeAt(labelStart) === 45 || name.charCodeAt(i - 1) === 45) return false;
      if (i === length) return letterInLabel && name.charCodeAt(labelStart) > 57;
      labelStart = i + 1;
      letterInLabel = false;
    } else if ((c >= 97 && c <= 122) || c === 95) {
      letterInLabel = true;
    } else if (c === 45) {
      // `--` at the third place is the mark of IDNA prefixes.
      if (i === labelStart + 3 && name.charCodeAt(i - 1) === 45) return false;
    } else if (c < 48 || c > 57) return false;
  }
  return false;
}
