/** A verdict as shape, word and colour, so that none of the three is needed alone. */
import type { Action } from '../../contract.ts';
import { Icon } from './icon.tsx';

export const VERDICT_SENTENCE: Readonly<Record<Action, string>> = {
  inspect: 'Decrypted, checked and recorded',
  passthrough: 'Passed on undecrypted',
  block: 'Refused',
};

export function Verdict({ action }: { action: Action | null }) {
  if (action === null)
    return (
      <span className="verdict verdict-none" title="The connection ended before a verdict">
        <Icon name="none" />
        no verdict
      </span>
    );
  return (
    <span className={`verdict verdict-${action}`} title={VERDICT_SENTENCE[action]}>
      <Icon name={action} />
      {action}
    </span>
  );
}
