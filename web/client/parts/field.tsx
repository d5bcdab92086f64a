/** A labelled input with a hint below it. The hint describes the field and is no part of its name. */
import { useId } from 'react';
import type { ComponentProps, ReactNode } from 'react';

export interface FieldProps extends ComponentProps<'input'> {
  label: string;
  hint?: ReactNode;
  /** What stands between input and hint. */
  extra?: ReactNode;
}

export function Field({ label, hint, extra, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input {...input} id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`} />
      {extra}
      {hint === undefined ? null : (
        <span id={`${id}-hint`} className="fine">
          {hint}
        </span>
      )}
    </div>
  );
}
