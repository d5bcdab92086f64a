/**
 * A document of the manual, fetched when it is shown, with its reader taken to a section. Anchors carry a prefix, so that
 * the same document can stand on a page and in a dialog above it.
 */
import { createElement, useEffect } from 'react';
import type { ReactNode } from 'react';
import { useAsk } from '../hooks/use-ask.ts';
import { Failed, Waiting } from '../parts/notes.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import type { ManualDocument } from './documents.ts';
import type { Element, ManualPage, Piece } from './page.ts';

export interface DocumentProps {
  of: ManualDocument;
  /** Anchor to go to; empty for the beginning. */
  section: string;
  /** Before every anchor; with one, links within the document leave the address bar alone. */
  prefix?: string;
  /** How many levels lower its headings stand in what is around it. */
  lower?: number;
}

export function Document({ of, section, prefix = '', lower = 0 }: DocumentProps) {
  const asked = useAsk(of.name, () => of.load().then(({ page }) => page));
  const page = asked.stale ? null : asked.data;
  useEffect(() => {
    if (page !== null && section !== '') goTo(prefix + section);
  }, [page, prefix, section]);
  if (page === null)
    return asked.failure === null ? (
      <Waiting what="the manual" />
    ) : (
      <Failed failure={asked.failure} again={asked.again} />
    );
  const place: Place = { prefix, lower };
  return (
    <article className="manual-text">
      {page.pieces.map((piece, at) => (
        <Part key={at} of={piece} place={place}>
          {at === 0 && page.sections.length > 1 ? <Contents of={page} place={place} /> : null}
        </Part>
      ))}
    </article>
  );
}

interface Place {
  prefix: string;
  lower: number;
}

/** Take the reader to a heading: in view, and where Tab goes on from. */
function goTo(anchor: string): void {
  const heading = document.getElementById(anchor);
  heading?.scrollIntoView();
  heading?.focus({ preventScroll: true });
}

/** The sections, behind a click where they are many. */
function Contents({ of, place }: { of: ManualPage; place: Place }) {
  const top = of.sections.filter(({ level }) => level === 2);
  const shown = top.length > 0 ? top : of.sections;
  return (
    <details className="manual-contents" open={shown.length <= 12}>
      <summary>On this page</summary>
      <ul>
        {shown.map(({ id, text }) => (
          <li key={id}>
            <ToSection id={id} place={place}>
              {text}
            </ToSection>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Part({ of, place, children }: { of: Piece; place: Place; children?: ReactNode }) {
  if (typeof of === 'string') return of;
  return (
    <>
      {drawn(of, place)}
      {children}
    </>
  );
}

function drawn(element: Element, place: Place): ReactNode {
  const { tag, id, href } = element;
  const inside = element.children.map((piece, at) => <Part key={at} of={piece} place={place} />);
  switch (tag) {
    case 'h1':
    case 'h2':
    case 'h3':
    case 'h4':
      return createElement(
        `h${Number(tag.slice(1)) + place.lower}`,
        { id: place.prefix + (id ?? ''), tabIndex: -1, className: `manual-${tag}` },
        ...inside,
      );
    case 'a':
      if (href?.startsWith('#') === true)
        return (
          <ToSection id={href.slice(1)} place={place}>
            {inside}
          </ToSection>
        );
      if (href?.startsWith('/') === true) return <LinkTo to={href}>{inside}</LinkTo>;
      return (
        <a href={href} target="_blank" rel="noreferrer">
          {inside}
        </a>
      );
    case 'pre':
      // What may scroll must be reachable by key.
      return <pre tabIndex={0}>{inside}</pre>;
    case 'table':
      return (
        <div className="manual-table" tabIndex={0}>
          <table>{inside}</table>
        </div>
      );
    case 'th':
      return <th scope="col">{inside}</th>;
    default:
      return createElement(tag, null, ...inside);
  }
}

function ToSection({ id, place, children }: { id: string; place: Place; children: ReactNode }) {
  const anchor = place.prefix + id;
  return (
    <a
      href={`#${anchor}`}
      onClick={event => {
        if (place.prefix === '') return;
        event.preventDefault();
        goTo(anchor);
      }}
    >
      {children}
    </a>
  );
}
