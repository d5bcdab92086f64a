/** Steps of each platform, the same texts as in the kit; one is open at a time so that the page stays short. */
import { Fragment } from 'react';
import type { DeployGuide, DeployStep } from '../../contract.ts';
import { CopyButton } from '../parts/copy-button.tsx';

const PARTS = [
  ['install', 'Install'],
  ['verify', 'Verify'],
  ['remove', 'Remove'],
] as const;

export function Guides({ guides }: { guides: readonly DeployGuide[] }) {
  return (
    <section className="stack" aria-labelledby="deploy-guides">
      <h2 id="deploy-guides">Steps by platform</h2>
      <p className="fine">Files that they name are in the kit, in the folder of the platform.</p>
      {guides.map(guide => (
        <details key={guide.id} name="guide" className="card guide">
          <summary>
            <span className="guide-title">{guide.title}</span>
          </summary>
          <div className="guide-body">
            <p>
              <Prose text={guide.about} />
            </p>
            {PARTS.map(([part, title]) => (
              <Fragment key={part}>
                <h3>{title}</h3>
                <Steps steps={guide[part]} />
              </Fragment>
            ))}
            {guide.notes.length === 0 ? null : (
              <>
                <h3>Notes</h3>
                <ul>
                  {guide.notes.map(note => (
                    <li key={note}>
                      <Prose text={note} />
                    </li>
                  ))}
                </ul>
              </>
            )}
            <h3>How far this is proven</h3>
            <p>
              <Prose text={guide.proven} />
            </p>
          </div>
        </details>
      ))}
    </section>
  );
}

function Steps({ steps }: { steps: readonly DeployStep[] }) {
  return (
    <ol>
      {steps.map(({ text, command }) => (
        <li key={text}>
          <Prose text={text} />
          {command === undefined ? null : (
            <div className="command">
              <code className="guide-command">{command}</code>
              <CopyButton text={command} label="Copy" />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Words between backticks are code. */
function Prose({ text }: { text: string }) {
  return text
    .split(/`([^`]*)`/)
    .map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : <Fragment key={i}>{part}</Fragment>));
}
