/** Header fields in wire order. Masked secrets carry a lock and say that they are masked. */
import type { HeaderField } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { visible } from '../format/visible.ts';

export function HeaderTable({ headers }: { headers: readonly HeaderField[] }) {
  if (headers.length === 0) return <p className="quiet">No header fields.</p>;
  return (
    <table className="headers">
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {headers.map((header, at) => (
          <tr key={at}>
            <th scope="row">
              <Captured text={header.name} max={120} />
            </th>
            <td>
              <span className="filter-value">
                {header.masked ? (
                  <span className="masked" title="A secret stood here. It was masked before it was written.">
                    <Icon name="lock" />
                    masked
                  </span>
                ) : null}
                <Captured text={header.value} />
                <span className="value-actions">
                  <CopyButton text={header.value} label={`Copy ${visible(header.name.slice(0, 60))}`} />
                </span>
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
