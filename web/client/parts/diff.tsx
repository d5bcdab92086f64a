/** A unified diff with its lines tinted; the sign in front says the same without colour. */
import { visible } from '../format/visible.ts';

const MAX_LINES = 2_000;

export function Diff({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <div className="document diff" tabIndex={0} role="region" aria-label={label}>
      <pre>
        {lines.slice(0, MAX_LINES).map((line, at) => (
          <span key={at} className={`diff-line diff-${kindOf(line, at)}`}>
            {visible(line)}
            {'\n'}
          </span>
        ))}
        {lines.length > MAX_LINES ? `… ${lines.length - MAX_LINES} more lines` : ''}
      </pre>
    </div>
  );
}

function kindOf(line: string, at: number): string {
  if (at < 2 || line.startsWith('@@')) return 'head';
  return line.startsWith('+') ? 'in' : line.startsWith('-') ? 'out' : 'same';
}
