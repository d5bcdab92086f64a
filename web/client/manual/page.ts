/** A page of the manual as the build leaves it: a tree of plain data, so that no markup is ever parsed in the browser. */

/** Text, or an element around further pieces. */
export type Piece = string | Element;

export interface Element {
  tag: Tag;
  /** Anchor of a heading. */
  id?: string;
  /** Of a link: `#section`, `/help/page#section` or an https address. */
  href?: string;
  children: Piece[];
}

export const TAGS = [
  'h1',
  'h2',
  'h3',
  'h4',
  'p',
  'ul',
  'ol',
  'li',
  'pre',
  'code',
  'strong',
  'em',
  'a',
  'table',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
] as const;
export type Tag = (typeof TAGS)[number];

export interface ManualPage {
  title: string;
  /** The headings below the title, as a table of contents. */
  sections: { id: string; text: string; level: number }[];
  pieces: Piece[];
}
