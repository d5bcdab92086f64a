/**
 * Addresses for devices that poll lists, such as firewalls: a token for each device, the address to give it, when it was last
 * used, and an end to it. A token is on screen once, when it is made; after that only its name is known here.
 */
import { useState } from 'react';
import type { ListSet, ListTokenMade, ListTokenRow, ListsView } from '../../contract.ts';
import { LIST_SETS } from '../../contract.ts';
import { api } from '../api/client.ts';
import { useAct } from '../hooks/use-act.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { Captured } from '../parts/captured.tsx';
import { Choice } from '../parts/choice.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Field } from '../parts/field.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { ActFailed } from '../parts/problem.tsx';

const NAME = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}';
/** Stands in addresses where the token belongs when it is not known here. */
const PLACE = 'TOKEN';

export function Devices({ view }: { view: ListsView }) {
  const asked = useAsk('tokens', signal => api.listTokens(signal), 30_000);
  const [made, setMade] = useState<ListTokenMade | null>(null);
  const [name, setName] = useState('');
  const make = useAct(
    (wanted: string) => api.makeListToken(wanted),
    answer => {
      setMade(answer);
      setName('');
      asked.again();
    },
  );
  return (
    <section className="stack">
      <form
        className="card export-form"
        onSubmit={event => {
          event.preventDefault();
          if (!make.busy) make.run(name);
        }}
      >
        <div className="wide">
          <Field
            label="New token for"
            type="text"
            required
            pattern={NAME}
            placeholder="edge-firewall"
            autoComplete="off"
            spellCheck={false}
            autoCapitalize="off"
            value={name}
            hint="Name of the device: letters, digits, dots, dashes and underscores. One token each, so that one can be shut out alone."
            onChange={event => setName(event.target.value)}
          />
        </div>
        <div className="form-end">
          <button type="submit" className="button button-strong" disabled={make.busy || name === ''}>
            {make.busy ? 'Making it …' : 'Make a token'}
          </button>
        </div>
      </form>
      <ActFailed failure={make.failure} />
      {made === null ? null : <Made made={made} close={() => setMade(null)} />}
      <Address view={view} token={made?.token ?? PLACE} />
      {asked.data === null ? (
        asked.failure === null ? (
          <Waiting what="the tokens" />
        ) : (
          <Failed failure={asked.failure} again={asked.again} />
        )
      ) : asked.data.tokens.length === 0 ? (
        <p className="quiet">No device has a token yet.</p>
      ) : (
        <ul className="versions" aria-label="Tokens">
          {asked.data.tokens.map(token => (
            <Token
              key={token.name}
              token={token}
              revoked={() => {
                if (made?.name === token.name) setMade(null);
                asked.again();
              }}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function Made({ made, close }: { made: ListTokenMade; close: () => void }) {
  return (
    <section className="card stack" role="status" aria-label="New token">
      <h2>
        The token of <Captured text={made.name} />
      </h2>
      <p className="warn">It is shown this once. Copy it now, or the address below, which holds it.</p>
      <div className="form-row">
        <code className="mono token">{made.token}</code>
        <CopyButton text={made.token} label="Copy the token" words="Copy the token" />
        <button type="button" className="button" onClick={close}>
          Done
        </button>
      </div>
    </section>
  );
}

/** The address of a set in a format, ready to be given to a device. */
function Address({ view, token }: { view: ListsView; token: string }) {
  const [set, setSet] = useState('deny');
  const [format, setFormat] = useState('pan-edl');
  const formats = view.formats.filter(f => !isSet(set) || f.sets.includes(set));
  const chosen = formats.some(f => f.format === format) ? format : (formats[0]?.format ?? 'plain');
  const address = `${window.location.origin}/lists/${encodeURIComponent(set)}.${chosen}?token=${token}`;
  return (
    <section className="card export-form" aria-label="Address for a device">
      <Choice
        label="Names"
        value={set}
        choose={setSet}
        options={[
          ...LIST_SETS.map(value => ({ value: value, label: WORDS[value] })),
          // A list that has the name of a set cannot be reached by it.
          ...view.lists
            .filter(l => !isSet(l.name))
            .map(l => ({ value: l.name, label: `the list ${l.name}` })),
        ]}
      />
      <Choice
        label="Format"
        value={chosen}
        choose={setFormat}
        options={formats.map(f => ({ value: f.format, label: f.format }))}
        hint={formats.find(f => f.format === chosen)?.about}
      />
      <div className="wide stack">
        <p className="fine" id="device-address">
          Address{token === PLACE ? `, with the token of the device in place of ${PLACE}` : ''}
        </p>
        <div className="form-row">
          <code className="mono token" aria-labelledby="device-address">
            {address}
          </code>
          <CopyButton text={address} label="Copy the address" words="Copy the address" />
        </div>
        <p className="fine">
          The token also works as the password of Basic, which keeps it out of the logs on the way. The device
          must reach this console: see <code>console.listen</code> and <code>console.hosts</code>.
        </p>
      </div>
    </section>
  );
}

function isSet(name: string): name is ListSet {
  return (LIST_SETS as readonly string[]).includes(name);
}

const WORDS: Readonly<Record<ListSet, string>> = {
  deny: 'what the policy refuses',
  allow: 'what the policy inspects',
  passthrough: 'what is never decrypted',
  seen: 'hosts seen in traffic',
  learned: 'hosts that many use',
  'learned-pinned': 'hosts whose clients pin',
  'learned-broken': 'hosts with bad certificates',
};

function Token({ token, revoked }: { token: ListTokenRow; revoked: () => void }) {
  const [sure, setSure] = useState(false);
  const revoke = useAct(() => api.revokeListToken(token.name), revoked);
  return (
    <li className="card version">
      <header>
        <h2>
          <Captured text={token.name} max={64} />
        </h2>
        <span className="fine">
          made <Moment at={token.created} form="medium" /> ·{' '}
          {token.used === null ? (
            'never used'
          ) : (
            <>
              last used <Moment at={token.used} form="medium" />
            </>
          )}
        </span>
      </header>
      <div className="form-row">
        {sure ? (
          <>
            <button
              type="button"
              className="button button-strong"
              disabled={revoke.busy}
              onClick={() => revoke.run()}
            >
              Shut it out<span className="visually-hidden"> {token.name}</span>
            </button>
            <button type="button" className="button" onClick={() => setSure(false)}>
              Keep it<span className="visually-hidden"> {token.name}</span>
            </button>
            <span className="fine">Its next poll is refused.</span>
          </>
        ) : (
          <button type="button" className="button" onClick={() => setSure(true)}>
            Revoke …<span className="visually-hidden"> {token.name}</span>
          </button>
        )}
      </div>
      <ActFailed failure={revoke.failure} />
    </li>
  );
}
