/**
 * The search box: text that is applied with Enter, completion of fields and values, and errors shown at their place.
 * The text being written is the reader's: it survives everything but applying another query.
 */
import { useEffect, useId, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import { FACET_FIELDS } from '../../contract.ts';
import { api } from '../api/client.ts';
import type { ApiFailure } from '../api/failure.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { useKeys } from '../hooks/use-keys.ts';
import { visible } from '../format/visible.ts';
import { Icon } from '../parts/icon.tsx';
import { offersFor, wordAt } from '../state/complete.ts';
import type { Offer } from '../state/complete.ts';
import { viewParams } from '../state/view.ts';
import type { View } from '../state/view.ts';
import { useHelp } from '../state/help.ts';
import { QueryError } from './query-error.tsx';

export interface SearchBoxProps {
  view: View;
  failure: ApiFailure | null;
  apply: (q: string) => void;
}

export function SearchBox({ view, failure, apply }: SearchBoxProps) {
  const [draft, setDraft] = useState({ text: view.q, of: view.q });
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const help = useHelp();
  const id = useId();

  // Another query came in force (a filter, a link, the back button): show that one.
  if (draft.of !== view.q) setDraft({ text: view.q, of: view.q });
  const text = draft.text;
  const setText = (next: string): void => setDraft({ text: next, of: view.q });

  const word = open ? wordAt(text, caret) : null;
  const field = word?.field ?? null;
  const facetField = field !== null && FACET_FIELDS[view.show].includes(field) ? field : null;
  const seen = useAsk(
    facetField === null ? null : JSON.stringify([facetField, view.show, view.range]),
    signal =>
      api.facets({ ...viewParams({ ...view, q: '' }) }, facetField === null ? [] : [facetField], 20, signal),
  );
  const values = seen.data?.facets.find(facet => facet.field === facetField)?.values ?? [];
  const offers = word === null ? [] : offersFor(word, view.show, facetField === null ? [] : values);
  const shown = open && offers.length > 0;

  useKeys({
    '/': event => {
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    },
  });

  // After an error the caret goes where the query stops making sense.
  useEffect(() => {
    const at = failure?.position ?? null;
    if (at !== null && document.activeElement === input.current)
      input.current?.setSelectionRange(at, failure?.end ?? at);
  }, [failure]);

  const take = (offer: Offer): void => {
    if (word === null) return;
    const next = text.slice(0, word.start) + offer.insert + text.slice(word.end).trimStart();
    const place = word.start + offer.insert.length;
    setText(next);
    setCaret(place);
    setChosen(-1);
    setOpen(true);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(place, place);
    });
  };

  const submit = (): void => {
    setOpen(false);
    setChosen(-1);
    apply(text.trim());
  };

  const press = (event: KeyboardEvent<HTMLInputElement>): void => {
    const offer = offers[chosen];
    if (event.key === 'ArrowDown' && offers.length > 0) {
      setOpen(true);
      setChosen((chosen + 1) % offers.length);
    } else if (event.key === 'ArrowUp' && shown)
      setChosen(((chosen + offers.length) % (offers.length + 1)) - 1);
    else if (event.key === 'Enter' && shown && offer !== undefined) take(offer);
    else if (event.key === 'Enter') submit();
    else if (event.key === 'Tab' && shown && offer !== undefined) take(offer);
    else if (event.key === 'Escape') {
      if (shown) setOpen(false);
      else input.current?.blur();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  };

  return (
    <div className="search">
      <form
        role="search"
        className={failure === null ? 'search-field' : 'search-field search-wrong'}
        onSubmit={event => {
          event.preventDefault();
          submit();
        }}
      >
        <Icon name="search" />
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label="Search traffic"
          aria-expanded={shown}
          aria-controls={`${id}-offers`}
          aria-autocomplete="list"
          aria-activedescendant={shown && chosen >= 0 ? `${id}-offer-${chosen}` : undefined}
          aria-invalid={failure !== null}
          aria-describedby={failure === null ? undefined : `${id}-error`}
          placeholder={'host:.example.com -status:2xx "free text"'}
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          maxLength={4000}
          value={text}
          onChange={event => {
            setText(event.target.value);
            setCaret(event.target.selectionStart ?? event.target.value.length);
            setChosen(-1);
            setOpen(true);
          }}
          onSelect={event => setCaret(event.currentTarget.selectionStart ?? 0)}
          onClick={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={press}
        />
        {text === view.q ? null : (
          <span className="search-hint" aria-hidden="true">
            Enter ⏎
          </span>
        )}
        {text === '' ? (
          <kbd className="search-key" aria-hidden="true">
            /
          </kbd>
        ) : (
          <button
            type="button"
            className="icon-button"
            title="Clear the search"
            onMouseDown={event => event.preventDefault()}
            onClick={() => {
              setText('');
              apply('');
              input.current?.focus();
            }}
          >
            <Icon name="close" />
            <span className="visually-hidden">Clear the search</span>
          </button>
        )}
        <button
          type="button"
          className="icon-button search-help"
          title="How to search (?)"
          onClick={() => help('')}
        >
          <span aria-hidden="true">?</span>
          <span className="visually-hidden">How to search</span>
        </button>
      </form>
      <ul
        role="listbox"
        id={`${id}-offers`}
        aria-label="Suggestions"
        className="offers"
        hidden={!shown}
        onMouseDown={event => event.preventDefault()}
      >
        {shown
          ? offers.map((offer, at) => (
              <li
                key={offer.insert}
                id={`${id}-offer-${at}`}
                role="option"
                aria-selected={at === chosen}
                className={at === chosen ? 'offer offer-chosen' : 'offer'}
                onClick={() => take(offer)}
              >
                <bdi className="mono">{visible(offer.label.slice(0, 120))}</bdi>
                <span>{offer.help}</span>
              </li>
            ))
          : null}
      </ul>
      {failure === null ? null : <QueryError id={`${id}-error`} query={view.q} failure={failure} />}
    </div>
  );
}
