/** One side of an exchange: its first line, its header fields as they stood on the wire, and its body. */
import type { MessageInfo } from '../../contract.ts';
import { Captured } from '../parts/captured.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Body } from './body.tsx';
import { Section } from './facts.tsx';
import { HeaderTable } from './header-table.tsx';

export interface MessageProps {
  id: string;
  side: 'req' | 'res';
  message: MessageInfo | null;
  startLine: string;
  /** The body is open to the reader. */
  revealed: boolean;
}

export function Message({ id, side, message, startLine, revealed }: MessageProps) {
  if (message === null) return <p className="quiet">No response arrived.</p>;
  const text = [startLine, ...message.headers.map(({ name, value }) => `${name}: ${value}`)].join('\n');
  return (
    <>
      <p className="start-line mono">
        <Captured text={startLine} max={600} />
      </p>
      <Section
        title={`Headers (${message.headers.length})`}
        extra={<CopyButton text={text} label="Copy the headers" />}
      >
        <HeaderTable headers={message.headers} />
      </Section>
      <Body id={id} side={side} body={message.body} revealed={revealed} />
    </>
  );
}
