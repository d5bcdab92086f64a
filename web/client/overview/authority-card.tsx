/** The authority that clients must trust: its fingerprint, its validity, and the certificate to deploy. */
import { CA_FORMATS } from '../../contract.ts';
import type { Status } from '../../contract.ts';
import { addresses } from '../api/client.ts';
import { reachable } from '../format/address.ts';
import { shellQuote } from '../format/curl.ts';
import { Facts } from '../detail/facts.tsx';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { FilterValue } from '../parts/filter-value.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';

export function AuthorityCard({ status }: { status: Status }) {
  const { ca } = status;
  const proxy = reachable(status.proxy[0] ?? '', location.hostname);
  const command = `curl --proxy ${shellQuote(`http://${proxy}`)} --cacert sightglass-ca.pem https://www.example.com/`;
  return (
    <section className="card authority">
      <h2>Authority</h2>
      {ca === null ? (
        <p className="quiet">The authority is not loaded. See the log of the service.</p>
      ) : (
        <>
          <Facts
            facts={[
              ['Subject', <Captured text={ca.subject} />],
              ['Key', ca.keyType],
              [
                'Valid',
                <>
                  <Moment at={ca.notBefore} form="medium" /> to <Moment at={ca.notAfter} form="medium" />
                </>,
              ],
              ['SHA-256', <FilterValue value={ca.fingerprint} shown={grouped(ca.fingerprint)} mono />],
            ]}
          />
          <p className="note-actions">
            {CA_FORMATS.map(format => (
              <a key={format} className="button" href={addresses.ca(format)} download>
                <Icon name="download" />
                <span>Certificate ({format.toUpperCase()})</span>
              </a>
            ))}
          </p>
        </>
      )}
      <h3>Try it</h3>
      <p className="fine">With the certificate saved as sightglass-ca.pem, from a client:</p>
      <div className="command">
        <code>{command}</code>
        <CopyButton text={command} label="Copy the command" />
      </div>
    </section>
  );
}

/** Hex in pairs, as other tools print fingerprints. */
function grouped(hex: string): string {
  return /^[0-9a-f]+$/i.test(hex) ? (hex.toUpperCase().match(/../g) ?? []).join(':') : hex;
}
