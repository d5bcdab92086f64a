/** The roots that clients have to trust, with what people compare, and where a rotation stands. */
import { CA_FORMATS } from '../../contract.ts';
import type { DeployRoot, DeployView } from '../../contract.ts';
import { addresses } from '../api/client.ts';
import { Facts } from '../detail/facts.tsx';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';

const STATES: Readonly<Record<DeployView['state'], readonly [text: string, command: string | null]>> = {
  steady: ['One authority signs, and no other is prepared.', null],
  requested: [
    'An enterprise CA was asked to sign this authority. Its answer is brought on the machine of the service:',
    'sightglass ca import ANSWER.pem CHAIN.pem',
  ],
  overlap: [
    'Another authority is prepared. Deploy both roots now; when clients have the new one, switch on the machine of the service:',
    'sightglass ca rotate --switch',
  ],
  switched: [
    'The authority was replaced. Keep both roots deployed until no client needs the old one, then give it up:',
    'sightglass ca rotate --finish',
  ],
};

const ROLES: Readonly<Record<DeployRoot['role'], string>> = {
  current: 'signs now',
  next: 'will sign after the switch',
  previous: 'signed before',
  retired: 'given up: the kit removes it',
};

export function Roots({ view }: { view: DeployView }) {
  const [text, command] = STATES[view.state];
  return (
    <section className="card stack" aria-labelledby="deploy-roots">
      <h2 id="deploy-roots">{view.roots.length === 1 ? 'Root to trust' : 'Roots to trust'}</h2>
      <p>
        {view.kind === 'subordinate'
          ? 'This authority is signed by an enterprise CA: clients that trust its root need no other. '
          : ''}
        {text}
      </p>
      {command === null ? null : (
        <div className="command">
          <code>{command}</code>
          <CopyButton text={command} label="Copy the command" />
        </div>
      )}
      {[...view.roots, ...view.retired].map(root => (
        <Facts
          key={root.sha256}
          facts={[
            ['Subject', <Captured text={root.subject} />],
            ['Role', ROLES[root.role]],
            [
              'Valid',
              <>
                <Moment at={root.notBefore} form="medium" /> to <Moment at={root.notAfter} form="medium" />
              </>,
            ],
            ['SHA-256', <span className="mono">{pairs(root.sha256)}</span>],
            ['SHA-1', <span className="mono">{root.sha1.toUpperCase()}</span>],
          ]}
        />
      ))}
      <p className="note-actions">
        {CA_FORMATS.map(format => (
          <a key={format} className="button" href={addresses.ca(format)} download>
            <Icon name="download" />
            <span>Current root ({format.toUpperCase()})</span>
          </a>
        ))}
      </p>
    </section>
  );
}

const pairs = (hex: string): string => (hex.toUpperCase().match(/../g) ?? []).join(':');
