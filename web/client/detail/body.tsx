/**
 * A captured body, as text or hex and never as anything a browser would interpret. The server takes content codings
 * off within bounds and sends plain strings; here they become text nodes. Looking at a body is written to the trail.
 */
import { useMemo, useState } from 'react';
import type { BodyInfo, BodyPreview } from '../../contract.ts';
import { addresses, api } from '../api/client.ts';
import { useAsk } from '../hooks/use-ask.ts';
import { hexLines } from '../format/hex.ts';
import { bytes, count } from '../format/numbers.ts';
import { visibleLines } from '../format/visible.ts';
import { prettyJson } from '../format/pretty.ts';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failed, Waiting } from '../parts/notes.tsx';
import { RevealBody } from '../reveals/reveal-body.tsx';
import { useSession } from '../state/session.tsx';
import { Facts, Section } from './facts.tsx';

/** Why a body was withheld. */
const WITHHELD: Partial<Record<BodyInfo['form'], string>> = {
  coding: 'its content coding is not known here',
  size: 'it decodes to more than is looked at',
  binary: 'it is no text',
  broken: 'it does not decode',
};
const FORMS: Partial<Record<BodyInfo['form'], string>> = {
  masked: 'something in it was masked before it was stored',
  decoded: 'it was compressed; stored decoded, with something masked',
};

/** Characters shown before the reader asks for all: layout of long text costs time. */
const FIRST_TEXT = 40_000;

export interface BodyProps {
  id: string;
  side: 'req' | 'res';
  body: BodyInfo;
  /** It is open to the reader. */
  revealed: boolean;
}

export function Body({ id, side, body, revealed }: BodyProps) {
  const { can } = useSession();
  const title = 'Body';
  if (body.absent === 'empty')
    return (
      <Section title={title}>
        <p className="quiet">Empty.</p>
      </Section>
    );
  const facts = (
    <Facts
      facts={[
        [
          'Size',
          <>
            {bytes(body.size)} <span className="fine">({count(body.size)} bytes on the wire)</span>
          </>,
        ],
        [
          'Kept',
          body.absent !== null ? null : body.truncated ? (
            <span className="warn">the first {bytes(body.kept)}; the rest went through but was not kept</span>
          ) : (
            'whole'
          ),
        ],
        ['Masked', FORMS[body.form] ?? null],
        [
          'SHA-256',
          body.sha256 === null ? null : (
            <span className="filter-value mono digest">
              <Captured text={body.sha256} />
              <span className="value-actions">
                <CopyButton text={body.sha256} label="Copy the SHA-256 of the whole body" />
              </span>
            </span>
          ),
        ],
      ]}
    />
  );
  if (body.absent === 'withheld')
    return (
      <Section title={title}>
        {facts}
        <p className="quiet">Not stored: {WITHHELD[body.form]}, so nothing in it could be masked.</p>
      </Section>
    );
  if (body.absent === 'not-captured')
    return (
      <Section title={title}>
        {facts}
        <p className="quiet">
          The rule that decided records no bodies. Its <span className="mono">capture</span> says how much is
          kept.
        </p>
      </Section>
    );
  return (
    <Section title={title}>
      {facts}
      {can('body') ? (
        <Preview id={id} side={side} revealed={revealed} />
      ) : (
        <p className="quiet">Your role may not read bodies. Ask an auditor or an admin.</p>
      )}
    </Section>
  );
}

function Preview({ id, side, revealed }: Omit<BodyProps, 'body'>) {
  const [open, setOpen] = useState(revealed);
  const asked = useAsk(open ? `preview ${id} ${side}` : null, signal => api.preview(id, side, signal));
  if (!open) return <RevealBody id={id} side={side} opened={() => setOpen(true)} />;
  // It was open when the page came, and is not any more.
  if (asked.failure?.code === 'reason-needed') return <RevealBody id={id} side={side} opened={asked.again} />;
  if (asked.failure !== null) return <Failed failure={asked.failure} again={asked.again} />;
  if (asked.data === null) return <Waiting what="the body" />;
  return (
    <>
      <p>
        <a className="button" href={addresses.body(id, side)} download>
          <Icon name="download" />
          <span>Download</span>
        </a>
      </p>
      <Shown preview={asked.data} />
    </>
  );
}

type Form = 'pretty' | 'text' | 'hex';

function Shown({ preview }: { preview: BodyPreview }) {
  const head = useMemo(() => Uint8Array.from(atob(preview.head), char => char.charCodeAt(0)), [preview.head]);
  const pretty = useMemo(
    () => (preview.text === null || !preview.whole ? null : prettyJson(preview.text)),
    [preview],
  );
  const forms: Form[] = [
    ...(pretty === null ? [] : (['pretty'] as const)),
    ...(preview.text === null ? [] : (['text'] as const)),
    'hex',
  ];
  const [form, setForm] = useState<Form>(forms[0] ?? 'hex');
  const labels: Record<Form, string> = { pretty: 'Pretty', text: 'Text', hex: 'Hex' };
  return (
    <div className="body-view">
      <div className="body-bar">
        <div className="segments" role="group" aria-label="Show the body as">
          {forms.map(name => (
            <button key={name} type="button" aria-pressed={name === form} onClick={() => setForm(name)}>
              {labels[name]}
            </button>
          ))}
        </div>
        <span className="fine">
          {preview.contentType === null ? 'no media type' : <Captured text={preview.contentType} max={80} />}
          {preview.codings.length === 0 ? '' : `, ${preview.codings.join(', ')} taken off`}
        </span>
      </div>
      {preview.note === null ? null : <p className="warn">{preview.note}</p>}
      {form === 'hex' ? (
        <Hex head={head} of={preview.bytes} />
      ) : (
        <Text key={form} text={form === 'pretty' ? (pretty ?? '') : (preview.text ?? '')} />
      )}
    </div>
  );
}

function Text({ text }: { text: string }) {
  const [all, setAll] = useState(text.length <= FIRST_TEXT);
  return (
    <>
      <pre className="body-text" tabIndex={0} aria-label="Body as text">
        <bdi>{visibleLines(all ? text : text.slice(0, FIRST_TEXT))}</bdi>
      </pre>
      {all ? null : (
        <button type="button" className="button" onClick={() => setAll(true)}>
          Show all {count(text.length)} characters
        </button>
      )}
    </>
  );
}

function Hex({ head, of }: { head: Uint8Array; of: number }) {
  const LINES = 256;
  const [lines, setLines] = useState(LINES);
  const shown = hexLines(head, 0, lines);
  return (
    <>
      <pre className="body-text body-hex" tabIndex={0} aria-label="Body as hex">
        {shown.join('\n')}
      </pre>
      <p className="fine">
        {count(Math.min(head.length, lines * 16))} of {count(of)} bytes.{' '}
        {lines * 16 < head.length ? (
          <button type="button" className="link" onClick={() => setLines(lines * 4)}>
            Show more
          </button>
        ) : head.length < of ? (
          'Download the body for the rest.'
        ) : (
          ''
        )}
      </p>
    </>
  );
}
