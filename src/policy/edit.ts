/**
 * Small edits to a policy document that leave everything else as the author wrote it: comments, order, layout. Text in,
 * text out; pure. The result is parsed before it is handed back, so an edit can never break a policy that was good.
 */
import { LineCounter, isMap, isScalar, parseDocument } from 'yaml';
import { parsePolicy } from './parse.ts';

/**
 * Add a list with a file to the document. Null when the layout is one this cannot edit safely (`lists:` written in
 * braces) or the document is not good; the caller then tells the author what to write.
 */
export function addFileList(
  text: string,
  name: string,
  file: string,
  allowPublicSuffix: boolean,
): string | null {
  const flag = allowPublicSuffix ? ', allow-public-suffix: true' : '';
  const line = (indent: string): string => `${indent}${scalar(name)}: { file: ${scalar(file)}${flag} }`;
  const document = parseDocument(text, { lineCounter: new LineCounter() });
  const root = document.contents;
  if (!isMap(root)) return null;
  const pair = root.items.find(p => isScalar(p.key) && p.key.value === 'lists');
  let edited: string;
  if (pair === undefined) {
    edited = `${text}${text.endsWith('\n') ? '' : '\n'}\nlists:\n${line('  ')}\n`;
  } else {
    const key = pair.key;
    const lists = pair.value;
    const keyEnd = isScalar(key) ? key.range?.[1] : undefined;
    if (keyEnd === undefined) return null;
    const isEmpty = lists === null || (isScalar(lists) && lists.value === null);
    if (!isEmpty && (!isMap(lists) || lists.flow === true)) return null;
    const lineEnd = text.indexOf('\n', keyEnd);
    const first = isMap(lists) ? lists.items[0]?.key : undefined;
    const at = isScalar(first) ? first.range?.[0] : undefined;
    const indent = at === undefined ? '  ' : text.slice(text.lastIndexOf('\n', at) + 1, at);
    if (!/^ *$/.test(indent)) return null;
    const end = lineEnd < 0 ? text.length : lineEnd;
    edited = `${text.slice(0, end)}\n${line(indent)}${text.slice(end)}${lineEnd < 0 ? '\n' : ''}`;
  }
  const parsed = parsePolicy(edited);
  return parsed.ok && Object.hasOwn(parsed.document.lists, name) ? edited : null;
}

/** Plain where no reader of YAML could take it for something else. */
function scalar(text: string): string {
  const plain =
    /^[A-Za-z][A-Za-z0-9_./-]*$/.test(text) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}
