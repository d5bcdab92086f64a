/**
 * Text written by strangers. Shown as one text node inside `<bdi>`, so it can neither be markup nor turn the text
 * around it; strange characters are made visible. Long values are cut until the reader asks for all of them.
 */
import { useState } from 'react';
import { visible } from '../format/visible.ts';
import { count } from '../format/numbers.ts';

export function Captured({ text, max = 400 }: { text: string; max?: number }) {
  const [all, setAll] = useState(false);
  const long = text.length > max;
  return (
    <>
      <bdi className="captured">
        {visible(all ? text : text.slice(0, max))}
        {long && !all ? '…' : ''}
      </bdi>
      {long ? (
        <button type="button" className="more-text" onClick={() => setAll(!all)}>
          {all ? 'Show less' : `Show all ${count(text.length)} characters`}
        </button>
      ) : null}
    </>
  );
}

/** One line, cut by the layout; the whole value is in the title. */
export function CapturedLine({ text }: { text: string }) {
  return (
    <bdi className="captured-line" title={visible(text.slice(0, 2000))}>
      {visible(text.slice(0, 500))}
    </bdi>
  );
}
