/** The keys, examples, and the page of the query language, above whatever the reader is at. */
import { useEffect, useRef } from 'react';
import { Document } from '../manual/document.tsx';
import { QUERY_LANGUAGE, documentAddress } from '../manual/documents.ts';
import { Icon } from '../parts/icon.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { listAddress } from '../state/view.ts';

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['/', 'Search'],
  ['j  k', 'Next, previous row'],
  ['Enter', 'Open the row'],
  ['Esc', 'Close the panel'],
  ['← →', 'Walk over the cells of the row (list focused)'],
  ['+  −', 'Show only, or hide, the value of the cell'],
  ['c', 'Copy the value of the cell'],
  ['?', 'This help'],
];

export const SAMPLES: readonly (readonly [query: string, what: string])[] = [
  ['host:.example.com status:5xx', 'Server errors of a domain and everything below it'],
  ['-verdict:inspect client:10.0.0.0/8', 'What was not inspected, from one network'],
  ['method:(POST OR PUT) bytes:>1MB', 'Large uploads'],
  ['fault:* -fault:client-reset', 'Everything that went wrong, but resets'],
  ['since:yesterday zone:Europe/Berlin ms:>=300', 'Slow answers since yesterday, by the clocks of Berlin'],
  ['"quarterly report"', 'A phrase anywhere in host, path, headers or captured bodies'],
];

/** `section`: of the query language's page, empty for none in particular. */
export function Help({ section, close }: { section: string; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const box = dialog.current;
    box?.showModal();
    return () => box?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="help"
      aria-labelledby="help-title"
      onClose={close}
      onClick={event => event.target === dialog.current && close()}
    >
      <div className="help-inner">
        <header>
          <h2 id="help-title">Keys and search</h2>
          <button type="button" className="icon-button" title="Close (Esc)" onClick={close}>
            <Icon name="close" />
            <span className="visually-hidden">Close</span>
          </button>
        </header>
        <div
          className="help-columns"
          // A link that leads elsewhere in the console leaves the help behind.
          onClick={event => {
            const link = event.target instanceof Element ? event.target.closest('a') : null;
            if (link?.getAttribute('href')?.startsWith('/') === true) close();
          }}
        >
          <section>
            <h3>Keys</h3>
            <dl className="keys">
              {KEYS.map(([keys, what]) => (
                <div key={keys}>
                  <dt>
                    {keys.split('  ').map(key => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
            <h3>Examples</h3>
            <dl className="samples">
              {SAMPLES.map(([query, what]) => (
                <div key={query}>
                  <dt className="mono">
                    <LinkTo to={listAddress({ q: query })} title="Search for this">
                      {query}
                    </LinkTo>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
          <section>
            <Document of={QUERY_LANGUAGE} section={section} prefix="help-" lower={2} />
            <p>
              <LinkTo to={documentAddress(QUERY_LANGUAGE.name)}>The whole manual</LinkTo>
            </p>
          </section>
        </div>
      </div>
    </dialog>
  );
}
