/**
 * The documents of docs/ as pages of the console, made when the client is built: what a reader of the repository sees and
 * what the console shows is one text. markdown-it reads; what comes out is a tree of the few elements that page.ts names.
 * Markup that it does not know is an error of the build and never reaches a browser. Pictures are left out.
 */
import MarkdownIt from 'markdown-it';
import type { Token } from 'markdown-it';
import { basename, dirname, posix, relative, resolve } from 'node:path';
import type { Plugin } from 'vite';
import { TAGS } from './client/manual/page.ts';
import type { Element, ManualPage, Piece, Tag } from './client/manual/page.ts';

const DOCS = resolve(import.meta.dirname, '../docs');

/** Turns `import('…/docs/NAME.md')` into a module whose `page` is a ManualPage. */
export function manual(): Plugin {
  return {
    name: 'manual',
    transform(code, id) {
      const path = relative(DOCS, id.split('?')[0] ?? '').replaceAll('\\', '/');
      if (!path.endsWith('.md') || path.startsWith('..')) return null;
      return { code: `export const page = ${JSON.stringify(readManual(code, path))};`, map: null };
    },
  };
}

/** The page that a document holds. `path` is that of the document below docs/. Throws on markup that pages do not know. */
export function readManual(text: string, path: string): ManualPage {
  const reader = new Reader(path);
  const pieces = reader.tree(new MarkdownIt({ html: true }).parse(text, {}));
  const [title] = reader.headings;
  if (title?.level !== 1) throw new Error(`${path}: the document does not begin with a title`);
  return {
    title: title.text,
    sections: reader.headings.filter(({ level }) => level > 1),
    pieces,
  };
}

/** The anchor that GitHub gives a heading. */
function anchorOf(text: string, taken: ReadonlySet<string>): string {
  const plain = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
  let anchor = plain;
  for (let n = 1; taken.has(anchor); n++) anchor = `${plain}-${n}`;
  return anchor;
}

class Reader {
  readonly headings: ManualPage['sections'] = [];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The flat tokens of markdown-it, blocks as well as what stands in a line, as a tree. */
  tree(tokens: readonly Token[]): Piece[] {
    const root: Piece[] = [];
    const open: Element[] = [];
    const put = (pieces: readonly Piece[]): void => {
      const into = open.at(-1)?.children ?? root;
      for (const piece of pieces) {
        const last = into.at(-1);
        if (typeof piece === 'string' && typeof last === 'string') into[into.length - 1] = last + piece;
        else into.push(piece);
      }
    };
    for (const token of tokens) {
      if (token.nesting === 1) open.push({ tag: this.#tag(token), ...this.#link(token), children: [] });
      else if (token.nesting === 0) put(this.#leaf(token));
      else {
        const element = open.pop();
        if (element === undefined) throw new Error(`${this.#path}: ${token.type} closes nothing`);
        if (/^h[1-6]$/.test(element.tag)) this.#heading(element);
        // Of a tight list's paragraph, of one that held a picture only, and of a link to what the console does not show
        // the content stays.
        const bare = token.hidden || element.children.length === 0;
        put(bare || (element.tag === 'a' && element.href === undefined) ? element.children : [element]);
      }
    }
    return root;
  }

  #leaf(token: Token): Piece[] {
    switch (token.type) {
      case 'inline':
        return this.tree(token.children ?? []);
      case 'text':
        return token.content === '' ? [] : [token.content];
      case 'softbreak':
        return [' '];
      case 'code_inline':
        return [{ tag: 'code', children: [token.content] }];
      case 'fence':
      case 'code_block':
        return [{ tag: 'pre', children: [{ tag: 'code', children: [token.content.replace(/\n$/, '')] }] }];
      case 'image':
        return [];
      case 'html_block':
        // Marks between which scripts/docs.mjs writes.
        if (/^<!-- \/?[a-z]+ -->\s*$/.test(token.content)) return [];
        throw new Error(`${this.#path}: HTML is not shown: ${token.content}`);
      default:
        throw new Error(`${this.#path}: ${token.type} is not shown: ${token.content}`);
    }
  }

  #heading(element: Element): void {
    const text = textOf(element);
    const id = anchorOf(text, new Set(this.headings.map(heading => heading.id)));
    element.id = id;
    this.headings.push({ id, text, level: Number(element.tag.slice(1)) });
  }

  /** Where a link of the document leads in the console; nothing when the console does not show that. */
  #link(token: Token): { href?: string } {
    const href = token.attrGet('href');
    if (typeof href !== 'string') return {};
    if (href.startsWith('#') || href.startsWith('https://')) return { href };
    const [path = '', section] = href.split('#');
    const target = posix.join(dirname(this.#path), path);
    if (target.startsWith('..') || !target.endsWith('.md')) return {};
    return { href: `/help/${basename(target, '.md')}${section === undefined ? '' : `#${section}`}` };
  }

  #tag(token: Token): Tag {
    const tag = TAGS.find(name => name === token.tag);
    if (tag === undefined) throw new Error(`${this.#path}: ${token.type} is not shown`);
    return tag;
  }
}

const textOf = (piece: Piece): string =>
  typeof piece === 'string' ? piece : piece.children.map(textOf).join('');
