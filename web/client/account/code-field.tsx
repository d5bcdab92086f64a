/** Where a code is typed: six digits of an app, or a recovery code. Telephones show digits first and offer codes they got. */
import { Field } from '../parts/field.tsx';

export interface CodeFieldProps {
  code: string;
  change: (code: string) => void;
  hint?: string;
  autoFocus?: boolean;
}

export function CodeField({ code, change, ...more }: CodeFieldProps) {
  return (
    <Field
      label="Code"
      type="text"
      name="one-time-code"
      autoComplete="one-time-code"
      inputMode={more.hint === undefined ? 'numeric' : 'text'}
      spellCheck={false}
      autoCapitalize="characters"
      maxLength={40}
      required
      value={code}
      onChange={event => change(event.target.value)}
      {...more}
    />
  );
}
