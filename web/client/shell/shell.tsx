/** What surrounds every page: name, navigation, theme, who is signed in, and the banner when the server is away. */
import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { useKeys } from '../hooks/use-keys.ts';
import { LinkTo } from '../parts/link-to.tsx';
import type { Place } from '../router.ts';
import { documentAt } from '../manual/documents.ts';
import { HelpContext } from '../state/help.ts';
import { openedBy } from '../state/places.ts';
import { useSession } from '../state/session.tsx';
import { Account } from './account.tsx';
import { Help } from './help.tsx';
import { LinkBanner } from './link-banner.tsx';
import { Mark } from './mark.tsx';
import { ThemeButton } from './theme-button.tsx';

const PAGES = [
  { path: '/traffic', label: 'Traffic', needs: 'search' },
  { path: '/overview', label: 'Overview', needs: 'status' },
  { path: '/policy', label: 'Policy', needs: 'policy' },
  { path: '/lists', label: 'Lists', needs: 'policy' },
  { path: '/deploy', label: 'Deploy', needs: null },
  { path: '/streams', label: 'Streams', needs: 'status' },
  { path: '/records', label: 'Records', needs: 'trail' },
  { path: '/reveals', label: 'Reveals', needs: 'body' },
  { path: '/trail', label: 'Trail', needs: 'trail' },
  { path: '/people', label: 'People', needs: 'people' },
] as const;

export function Shell({ place, children }: { place: Place; children: ReactNode }) {
  const { can } = useSession();
  // The section at which the help is open, empty for its beginning; null while it is closed. */
  const [help, setHelp] = useState<string | null>(null);
  const openHelp = (): void => setHelp('');
  useKeys({ '?': openHelp });
  const current = place.path === '/' || openedBy(place.path) !== null ? '/traffic' : place.path;
  const title =
    PAGES.find(page => page.path === current)?.label ??
    documentAt(place.path)?.label ??
    (current === '/account' ? 'Your account' : 'Not found');
  useEffect(() => {
    document.title = `${title} · Sightglass`;
  }, [title]);
  const pages = useRef<HTMLElement>(null);
  useEffect(() => {
    // On narrow screens the names of pages scroll.
    pages.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <LinkTo to="/traffic" className="brand">
          <Mark />
          <span className="brand-name">Sightglass</span>
        </LinkTo>
        <nav aria-label="Pages" ref={pages}>
          {PAGES.filter(page => page.needs === null || can(page.needs)).map(page => (
            <LinkTo key={page.path} to={page.path} current={page.path === current}>
              {page.label}
            </LinkTo>
          ))}
        </nav>
        <div className="top-end">
          <button
            type="button"
            className="icon-button top-help"
            title="Keys and search (?)"
            onClick={openHelp}
          >
            <span aria-hidden="true">?</span>
            <span className="visually-hidden">Keys and search</span>
          </button>
          <ThemeButton />
          <Account help={openHelp} />
        </div>
      </header>
      <LinkBanner />
      <HelpContext.Provider value={setHelp}>{children}</HelpContext.Provider>
      {help === null ? null : <Help section={help} close={() => setHelp(null)} />}
    </div>
  );
}
