/** Walks through automatic, light and dark. */
import { Icon } from '../parts/icon.tsx';
import { THEMES, useTheme } from '../theme.ts';

const WORDS = { auto: 'automatic', light: 'light', dark: 'dark' } as const;

export function ThemeButton() {
  const [theme, choose] = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  const label = `Theme: ${WORDS[theme]}. Change to ${WORDS[next]}`;
  return (
    <button type="button" className="icon-button" title={label} onClick={() => choose(next)}>
      <Icon name={theme} />
      <span className="visually-hidden">{label}</span>
    </button>
  );
}
