/** What the ClientHello said and what the origin's certificate says. */
import type { CertInfo, HelloInfo } from '../../contract.ts';
import { bytes, counted } from '../format/numbers.ts';
import { Captured } from '../parts/captured.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { Moment } from '../parts/moment.tsx';
import { Facts, Section } from './facts.tsx';

const DAY = 86_400_000;

export function CertificateFacts({ cert }: { cert: CertInfo }) {
  return (
    <Section title="Origin’s certificate">
      <Facts
        facts={[
          ['Subject', <FilterValue value={cert.subject} />],
          ['Issuer', <FilterValue value={cert.issuer} />],
          ['Names', <Names names={cert.names} />],
          [
            'Valid',
            <>
              <Moment at={cert.notBefore} form="medium" /> to <Moment at={cert.notAfter} form="medium" />{' '}
              <Left until={cert.notAfter} />
            </>,
          ],
          ['SHA-256', <FilterValue value={cert.fingerprint} mono />],
          ['Serial', <FilterValue value={cert.serial} mono />],
        ]}
      />
    </Section>
  );
}

/** Days left as seen today, which is not the day of the record. */
function Left({ until }: { until: string }) {
  const days = Math.floor((Date.parse(until) - today()) / DAY);
  if (Number.isNaN(days)) return null;
  return days < 0 ? (
    <span className="warn">expired</span>
  ) : (
    <span className="fine">({counted(days, 'day')} left)</span>
  );
}

const today = (): number => Date.now();

function Names({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <>none</>;
  return <Captured text={names.join(', ')} max={240} />;
}

const OUTCOMES: Readonly<Record<string, string>> = {
  hello: 'a ClientHello',
  'not-tls': 'bytes that are not TLS',
  malformed: 'a malformed ClientHello',
  'timed-out': 'no complete ClientHello in time',
  none: 'no TLS (plain HTTP)',
};

const ECH: Readonly<Record<HelloInfo['ech'], string>> = {
  none: 'no',
  'grease-or-real': 'present (real or GREASE: from outside they look the same)',
  inner: 'inner form on the wire, which is wrong',
};

export function HelloSection({ hello, outcome }: { hello: HelloInfo | null; outcome: string | null }) {
  if (hello === null)
    return (
      <Section title="ClientHello">
        <p className="quiet">
          {outcome === null
            ? 'The connection ended before one was expected.'
            : `The client sent ${OUTCOMES[outcome] ?? outcome}.`}
        </p>
      </Section>
    );
  return (
    <Section title="ClientHello">
      <Facts
        facts={[
          ['SNI', hello.sni === null ? 'none' : <FilterValue field="sni" value={hello.sni} mono />],
          [
            'SNI as sent',
            hello.rawSni === null || hello.rawSni === hello.sni ? null : (
              <FilterValue value={hello.rawSni} mono />
            ),
          ],
          ['ALPN', hello.alpn.length === 0 ? 'none' : <Captured text={hello.alpn.join(', ')} />],
          ['Versions', <Captured text={hello.versions.join(', ')} />],
          ['JA4', <FilterValue field="ja4" value={hello.ja4} mono />],
          ['JA3', <FilterValue value={hello.ja3} mono />],
          ['Encrypted hello', ECH[hello.ech]],
          ['GREASE', hello.grease ? 'yes' : 'no'],
          [
            'Offered',
            `${hello.ciphers.length} cipher suites, ${hello.groups.length} groups, ${bytes(hello.size)}`,
          ],
        ]}
      />
      <details className="numbers">
        <summary>Cipher suites and groups by number</summary>
        <p className="mono">{hello.ciphers.map(hex).join(' ')}</p>
        <p className="mono">{hello.groups.map(hex).join(' ')}</p>
      </details>
    </Section>
  );
}

const hex = (n: number): string => n.toString(16).padStart(4, '0');
