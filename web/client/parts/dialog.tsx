/** A question that must be answered before anything happens: what, why (a comment), yes or no. Esc is no. */
import { useEffect, useId, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { COMMENT_MAX } from '../../contract.ts';
import { Field } from './field.tsx';

export interface ConfirmProps {
  title: string;
  /** Word on the button that does it. */
  yes: string;
  busy: boolean;
  children?: ReactNode;
  confirm: (comment: string) => void;
  close: () => void;
}

export function Confirm({ title, yes, busy, children, confirm, close }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [comment, setComment] = useState('');
  useEffect(() => {
    const box = dialog.current;
    box?.showModal();
    return () => box?.close();
  }, []);
  return (
    <dialog ref={dialog} className="help confirm" aria-labelledby={id} onClose={close}>
      <form
        className="help-inner"
        onSubmit={event => {
          event.preventDefault();
          if (!busy && comment.trim() !== '') confirm(comment);
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        <Field
          label="Why"
          type="text"
          required
          maxLength={COMMENT_MAX}
          autoFocus
          value={comment}
          hint="One sentence; it stands in the history beside your name."
          onChange={event => setComment(event.target.value)}
        />
        <div className="form-end">
          <button type="button" className="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="button button-strong" disabled={busy || comment.trim() === ''}>
            {busy ? 'Working …' : yes}
          </button>
        </div>
      </form>
    </dialog>
  );
}
