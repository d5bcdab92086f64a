/** The verdict with everything that led to it: rule, policy version, reason, and what was to be recorded. */
import type { VerdictInfo } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { LinkTo } from '../parts/link-to.tsx';
import { VERDICT_SENTENCE, Verdict } from '../parts/verdict.tsx';
import { Facts } from './facts.tsx';
import { useSession } from '../state/session.tsx';
import { ruleAddress } from './sentence.tsx';
import { whyAddress } from './why.ts';
import type { WhyRow } from './why.ts';

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

const MASK: Readonly<Record<string, string>> = {
  standard: 'credentials, cookies and secret query values',
  strict: 'every value but a few that speak of transport and format',
};

const TLS: Readonly<Record<string, string>> = {
  modern: 'TLS 1.2 and 1.3, forward secret suites only',
  tls13: 'TLS 1.3 only',
  compatible: 'TLS 1.2 and 1.3, older suites too',
};

function Manner({
  field,
  value,
  says,
}: {
  field: string;
  value: string;
  says: Readonly<Record<string, string>>;
}) {
  const sentence = says[value];
  // Within the value, since its buttons take room behind it.
  return (
    <FilterValue
      field={field}
      value={value}
      shown={sentence === undefined ? value : `${value}: ${sentence}`}
    />
  );
}

export interface DecisionProps {
  verdict: VerdictInfo;
  /** Id of the flow or exchange that was decided, and its row. */
  record: string;
  row: WhyRow;
}

export function Decision({ verdict, record, row }: DecisionProps) {
  const { can } = useSession();
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
        [
          'Why',
          !can('policy') ? null : (
            <LinkTo
              to={whyAddress(record, row)}
              className="rule-link"
              title="Each rule, and why it matched or did not"
            >
              Why this rule and no other?
            </LinkTo>
          ),
        ],
        ['Policy version', <FilterValue field="policy" value={verdict.policy} mono />],
        ['Recorded', verdict.action === 'inspect' ? (CAPTURE[verdict.capture] ?? verdict.capture) : null],
        ['Masking', verdict.mask === null ? null : <Manner field="mask" value={verdict.mask} says={MASK} />],
        [
          'TLS with the origin',
          verdict.tlsProfile === null ? null : (
            <Manner field="tlsprofile" value={verdict.tlsProfile} says={TLS} />
          ),
        ],
        [
          'Parent group',
          verdict.parent === null ? null : <FilterValue field="parent" value={verdict.parent} />,
        ],
      ]}
    />
  );
}
