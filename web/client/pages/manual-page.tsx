/** The manual: the documents of the repository, one at a time, in the release that this console belongs to. */
import { Document } from '../manual/document.tsx';
import { DOCUMENTS, documentAddress } from '../manual/documents.ts';
import type { ManualDocument } from '../manual/documents.ts';
import { LinkTo } from '../parts/link-to.tsx';

export function ManualPage({ of, section }: { of: ManualDocument; section: string }) {
  return (
    <main id="main" className="page manual">
      <nav aria-label="Manual" className="manual-index">
        <ul>
          {DOCUMENTS.map(({ name, label }) => (
            <li key={name}>
              <LinkTo to={documentAddress(name)} current={name === of.name}>
                {label}
              </LinkTo>
            </li>
          ))}
        </ul>
      </nav>
      <Document key={of.name} of={of} section={section} />
    </main>
  );
}
