/** Copies a text and says so. Falls back to a selection where the clipboard API is missing (plain http consoles). */
import { useEffect, useState } from 'react';
import { Icon } from './icon.tsx';

export function CopyButton({ text, label, words }: { text: string; label: string; words?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (): void => {
    void copyText(text).then(done => setCopied(done));
  };
  return (
    <button
      type="button"
      className={words === undefined ? 'icon-button' : 'button'}
      onClick={copy}
      title={label}
    >
      <Icon name={copied ? 'check' : 'copy'} />
      {words === undefined ? (
        <span className="visually-hidden">{copied ? 'Copied' : label}</span>
      ) : (
        <span>{copied ? 'Copied' : words}</span>
      )}
    </button>
  );
}

/** True when the text is on the clipboard. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    // Deprecated, and the only way on an address without a secure context.
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
