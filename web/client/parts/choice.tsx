/** A labelled choice of one out of several, with a hint that explains the chosen one. */
import { useId } from 'react';
import type { ReactNode } from 'react';

export interface ChoiceProps {
  label: string;
  value: string;
  choose: (value: string) => void;
  /** Options that are refused are told why in their label. */
  options: readonly { value: string; label: string; off?: boolean }[];
  hint?: ReactNode;
}

export function Choice({ label, value, choose, options, hint }: ChoiceProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={event => choose(event.target.value)}
      >
        {options.map(option => (
          <option key={option.value} value={option.value} disabled={option.off === true}>
            {option.label}
          </option>
        ))}
      </select>
      {hint === undefined ? null : (
        <span id={`${id}-hint`} className="fine">
          {hint}
        </span>
      )}
    </div>
  );
}

/** Few choices side by side. */
export function Segments<T extends string>({
  label,
  value,
  choose,
  options,
}: {
  label: string;
  value: T;
  choose: (value: T) => void;
  options: readonly (readonly [value: T, label: string])[];
}) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => choose(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}
