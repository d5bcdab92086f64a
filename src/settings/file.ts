/**
 * The YAML settings file as raw texts with line and column. Keys may be nested (`proxy:` then `listen:`) or dotted
 * (`proxy.listen:`), also mixed. Values are kept as they were written, so that a size or an address is read by its kind
 * and not by YAML's idea of numbers. Pure: text in, values and problems out.
 */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Node, Scalar, YAMLMap } from 'yaml';
import { CATALOGUE, SETTING_NAMES, isSettingName } from './catalogue.ts';
import type { SettingName } from './catalogue.ts';
import type { RawValue, SettingProblem } from './problem.ts';
import { nearest } from './nearest.ts';

export interface FileContents {
  values: Map<SettingName, RawValue>;
  problems: SettingProblem[];
}

/** Read the text of a settings file. `path` is used in messages only; `base` is where its relative paths start. */
export function readSettingsFile(source: string, path: string, base: string): FileContents {
  const lines = new LineCounter();
  const values = new Map<SettingName, RawValue>();
  const problems: SettingProblem[] = [];
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${path}:${line}:${col}`;
  };
  const report = (
    key: string,
    node: Node | null,
    message: string,
    suggestion: string | null = null,
  ): void => {
    problems.push({ key, where: at(node?.range?.[0]), message, suggestion });
  };

  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, stringKeys: false });
  for (const error of document.errors)
    problems.push({
      key: 'config',
      where: at(error.pos[0]),
      message: yamlWords(error.message),
      suggestion: null,
    });
  if (problems.length > 0 || document.contents === null) return { values, problems };
  if (!isMap(document.contents)) {
    report('config', document.contents, 'the settings file must hold keys and values');
    return { values, problems };
  }
  walk(document.contents, '');
  return { values, problems };

  function walk(map: YAMLMap, prefix: string): void {
    for (const { key, value } of map.items) {
      const keyNode = isScalar(key) ? key : null;
      if (keyNode === null) {
        report(prefix === '' ? 'config' : prefix, key as Node, 'a key must be plain text');
        continue;
      }
      const name = prefix + sourceText(keyNode);
      if (isSettingName(name)) take(name, keyNode, value as Node | null);
      else if (SETTING_NAMES.some(s => s.startsWith(`${name}.`))) {
        if (isMap(value)) walk(value, `${name}.`);
        else if (!isEmpty(value as Node | null))
          report(name, keyNode, 'is a group of settings and takes no value');
      } else report(name, keyNode, 'there is no such setting', nearest(name, SETTING_NAMES));
    }
  }

  function take(name: SettingName, key: Scalar, value: Node | null): void {
    const where = at(key.range?.[0]);
    if (values.has(name)) return report(name, key, 'is set twice in this file');
    if (isEmpty(value)) return report(name, key, 'has no value; remove the line or write one');
    const repeatable = CATALOGUE[name].repeatable;
    if (isSeq(value)) {
      if (!repeatable) return report(name, key, 'takes one value, not a list');
      const texts: RawValue['texts'] = [];
      for (const item of value.items) {
        if (isScalar(item) && item.value !== null)
          texts.push({ text: sourceText(item), where: at(item.range?.[0]) });
        else report(name, isNodeLike(item) ? item : key, 'every entry of the list must be plain text');
      }
      values.set(name, { texts, where, base, split: false });
    } else if (isScalar(value)) {
      const text = sourceText(value);
      const split = CATALOGUE[name].kind.commas;
      values.set(name, { texts: [{ text, where: at(value.range?.[0]) }], where, base, split });
    } else if (isAlias(value)) report(name, value, 'aliases are not used in the settings file');
    else report(name, key, repeatable ? 'takes a list of plain values' : 'takes one plain value');
  }
}

/** A scalar as it stands in the file: `0x10`, `1_000` and `yes` stay what was typed. Quoted text is unquoted. */
function sourceText(node: Scalar): string {
  if (typeof node.value === 'string') return node.value;
  return node.source ?? String(node.value);
}

function isEmpty(value: Node | null): boolean {
  return value === null || (isScalar(value) && value.value === null);
}

function isNodeLike(item: unknown): item is Node {
  return typeof item === 'object' && item !== null && 'range' in item;
}

/** The library's sentences end with or without a full stop and may span lines; ours do neither. */
function yamlWords(message: string): string {
  return `not valid YAML: ${message.split('\n')[0] ?? message}`.replace(/[.:]$/, '');
}
