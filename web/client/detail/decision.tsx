/** The verdict with everything that led to it: rule, policy version, reason, and what was to be recorded. */
import type { VerdictInfo } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { VERDICT_SENTENCE, Verdict } from '../parts/verdict.tsx';
import { Facts } from './facts.tsx';
import { ruleAddress } from './sentence.tsx';

const CAPTURE: Readonly<Record<string, string>> = {
  flow: 'the connection only',
  headers: 'requests with headers, no bodies',
  bodies: 'requests with headers and bodies',
};

const BLOCK: Readonly<Record<string, string>> = {
  page: 'with a page that explains it',
  alert: 'with a TLS alert',
  reset: 'by resetting the connection',
};

export function Decision({ verdict }: { verdict: VerdictInfo }) {
  return (
    <Facts
      facts={[
        [
          'Verdict',
          <span className="with-badge">
            <Verdict action={verdict.action} />
            {VERDICT_SENTENCE[verdict.action]}
            {verdict.action === 'block' ? ` ${BLOCK[verdict.block] ?? ''}` : ''}
          </span>,
        ],
        [
          'Rule',
          <>
            <LinkTo to={ruleAddress(verdict.rule)} className="rule-link" title="See it in the policy">
              <Captured text={verdict.rule} />
            </LinkTo>
            <FilterValue field="rule" value={verdict.rule} shown="" />
          </>,
        ],
        ['Reason', <Captured text={verdict.reason} />],
        ['Policy version', <FilterValue field="policy" value={verdict.policy} mono />],
        ['Recorded', verdict.action === 'inspect' ? (CAPTURE[verdict.capture] ?? verdict.capture) : null],
      ]}
    />
  );
}
