/** Saves a text that the page holds as a file. */
import { Icon } from './icon.tsx';

export function SaveButton({ text, name, words }: { text: string; name: string; words: string }) {
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
    const anchor = document.createElement('a');
    anchor.href = url;
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <button type="button" className="button" onClick={save}>
      <Icon name="download" />
      {words}
    </button>
  );
}
