/** The question before bodies leave as a file. Where somebody else has to agree, the file waits on the page Reveals. */
import { useEffect, useId, useRef, useState } from 'react';
import type { RevealRow } from '../../contract.ts';
import { LinkTo } from '../parts/link-to.tsx';
import { ReasonForm } from './reason-form.tsx';

export interface RevealDownloadProps {
  title: string;
  ask: (reason: string, caseNumber: string) => Promise<RevealRow>;
  /** Where the file is, once it is open. */
  address: (row: RevealRow) => string;
  close: () => void;
}

export function RevealDownload({ title, ask, address, close }: RevealDownloadProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [waits, setWaits] = useState(false);
  useEffect(() => {
    const box = dialog.current;
    box?.showModal();
    return () => box?.close();
  }, []);
  return (
    <dialog ref={dialog} className="help confirm" aria-labelledby={id} onClose={close}>
      <div className="help-inner">
        <h2 id={id}>{title}</h2>
        {waits ? (
          <>
            <p role="status">
              Somebody else has to agree. Then the file is on the page <LinkTo to="/reveals">Reveals</LinkTo>,
              for a while.
            </p>
            <div className="form-end">
              <button type="button" className="button" onClick={close}>
                Close
              </button>
            </div>
          </>
        ) : (
          <ReasonForm
            yes="Download"
            ask={ask}
            close={close}
            done={row => {
              if (row.state !== 'open') {
                setWaits(true);
                return;
              }
              // An attachment: the page stays.
              location.assign(address(row));
              close();
            }}
          />
        )}
      </div>
    </dialog>
  );
}
