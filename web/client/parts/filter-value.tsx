/**
 * A captured value with its three actions beside it: show only rows with it, hide them, copy it. The buttons appear on
 * hover and on focus; where there is no hover (touch) they are always there.
 */
import { Captured } from './captured.tsx';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icon.tsx';
import { useFilter } from '../state/filter.ts';
import { visible } from '../format/visible.ts';

export interface FilterValueProps {
  /** Field of the query language; without one only copying is offered. */
  field?: string;
  value: string;
  /** What is shown when it is not the value itself. */
  shown?: string;
  mono?: boolean;
}

export function FilterValue({ field, value, shown, mono = false }: FilterValueProps) {
  const filter = useFilter();
  const name = `${field ?? ''} ${visible(value.slice(0, 80))}`.trim();
  return (
    <span className={mono ? 'filter-value mono' : 'filter-value'}>
      <Captured text={shown ?? value} />
      <span className="value-actions">
        {field === undefined || filter === null ? null : (
          <>
            <button
              type="button"
              className="icon-button"
              title={`Show only ${name}`}
              onClick={() => filter(field, value, 'in')}
            >
              <Icon name="plus" />
              <span className="visually-hidden">Show only {name}</span>
            </button>
            <button
              type="button"
              className="icon-button"
              title={`Hide ${name}`}
              onClick={() => filter(field, value, 'out')}
            >
              <Icon name="minus" />
              <span className="visually-hidden">Hide {name}</span>
            </button>
          </>
        )}
        <CopyButton text={value} label={`Copy ${name}`} />
      </span>
    </span>
  );
}
