/** How clients shall find the proxy, and the kit for that choice. Nothing is asked of the server until the form is sent. */
import { useState } from 'react';
import type { DeployParams } from '../../contract.ts';
import { addresses } from '../api/client.ts';
import { reachable } from '../format/address.ts';
import { Segments } from '../parts/choice.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';

type Way = 'fixed' | 'pac' | 'none';

const HINTS: Readonly<Record<Way, string>> = {
  fixed: 'Every client gets this address. It must be one that clients reach, not that of this browser.',
  pac: 'Browsers fetch this file and ask it for each name. Shells and services need an address instead.',
  none: 'The kit deploys the root alone; the proxy comes later or by other means.',
};

interface ChooseProps {
  suggestions: readonly string[];
  params: DeployParams;
  choose: (params: DeployParams) => void;
}

export function Choose({ suggestions, params, choose }: ChooseProps) {
  const [way, setWay] = useState<Way>('fixed');
  const [proxy, setProxy] = useState(() => reachable(suggestions[0] ?? '', location.hostname));
  const [bypass, setBypass] = useState('');
  const [pac, setPac] = useState('');
  const wanted = wish(way, proxy.trim(), bypass.trim(), pac.trim());
  const shown = JSON.stringify(wanted) === JSON.stringify(params);
  return (
    <form
      className="card deploy-form"
      aria-labelledby="deploy-way"
      onSubmit={event => {
        event.preventDefault();
        choose(wanted);
      }}
    >
      <h2 id="deploy-way">Way to the proxy</h2>
      <Segments
        label="How clients find the proxy"
        value={way}
        choose={setWay}
        options={[
          ['fixed', 'Address'],
          ['pac', 'PAC file'],
          ['none', 'Trust only'],
        ]}
      />
      <p className="fine">{HINTS[way]}</p>
      {way === 'fixed' ? (
        <>
          <Field
            label="Address of the proxy"
            type="text"
            required
            placeholder="proxy.example.com:8080"
            value={proxy}
            onChange={event => setProxy(event.target.value)}
          />
          <Field
            label="Reached without the proxy"
            type="text"
            placeholder="*.intranet.example.com, 10.0.0.1"
            hint="Names and addresses with commas between them; names without a dot always are."
            value={bypass}
            onChange={event => setBypass(event.target.value)}
          />
        </>
      ) : way === 'pac' ? (
        <Field
          label="URL of the PAC file"
          type="text"
          inputMode="url"
          required
          placeholder="http://proxy.example.com:8080/proxy.pac"
          value={pac}
          onChange={event => setPac(event.target.value)}
        />
      ) : null}
      <div className="form-end">
        <button type="submit" className="button" disabled={shown}>
          {shown ? 'Steps are for this choice' : 'Show the steps for this'}
        </button>
        {shown ? (
          <a className="button button-strong" href={addresses.deployKit(params)} download>
            <Icon name="download" />
            <span>Download the kit (zip)</span>
          </a>
        ) : null}
      </div>
    </form>
  );
}

function wish(way: Way, proxy: string, bypass: string, pac: string): DeployParams {
  if (way === 'pac') return { pac };
  if (way === 'none') return {};
  return bypass === '' ? { proxy } : { proxy, bypass };
}
