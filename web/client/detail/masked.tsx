/** What was masked before the exchange was recorded: what it was, where, how often. Nobody can see the originals. */
import type { MaskedItem } from '../../contract.ts';
import { FilterValue } from '../parts/filter-value.tsx';
import { Facts, Section } from './facts.tsx';

const PLACES: Record<string, string> = {
  path: 'Address',
  'req-head': 'Request headers',
  'res-head': 'Response headers',
  'req-body': 'Request body',
  'res-body': 'Response body',
};

const KINDS: Record<string, string> = {
  headers: 'header fields',
  query: 'parameters of addresses',
  form: 'form fields',
  json: 'JSON values',
  card: 'payment cards',
  iban: 'bank accounts',
  token: 'tokens',
  cut: 'ends that were cut off inside a number',
  originals: 'nothing: a rule keeps the originals',
};

export function Masked({ items }: { items: readonly MaskedItem[] }) {
  if (items.length === 0) return null;
  const places = [...new Set(items.map(item => item.where))];
  return (
    <Section title="Masked">
      <Facts
        facts={places.map(place => [
          PLACES[place] ?? place,
          items
            .filter(item => item.where === place)
            .map(item => (
              <div key={item.what}>
                <FilterValue field="masked" value={item.what} shown={wordsOf(item)} />
              </div>
            )),
        ])}
      />
    </Section>
  );
}

/** `2 × header fields`; a national set or pattern by its own name. */
const wordsOf = ({ what, count }: MaskedItem): string =>
  what === 'originals' ? (KINDS['originals'] ?? what) : `${count} × ${KINDS[what] ?? what}`;
