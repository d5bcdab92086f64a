/** The engine of a browser's blocker, asked about a request to each name. */
import { FiltersEngine, Request } from '@ghostery/adblocker';
import { judge } from './truth.ts';
import type { Consumer, Export } from './truth.ts';

const CANNOT = { '': 'a browser always asks for a host' };

function engine(isListed: (match: { match: boolean; exception: unknown }) => boolean, before = '') {
  return async ({ texts }: Export): Promise<Consumer> => {
    const filters = FiltersEngine.parse(`${before}${texts[0] ?? ''}`);
    return {
      async ask(name) {
        const request = Request.fromRawDetails({
          url: `https://${name}/`,
          sourceUrl: 'https://page.other.test/',
          type: 'xhr',
        });
        return isListed(filters.match(request));
      },
      stop: async () => undefined,
    };
  };
}

judge({
  format: 'adblock',
  consumer: '@ghostery/adblocker',
  start: engine(m => m.match),
  cannotAsk: CANNOT,
});

// A list of names to let through is one of exceptions: it shows against a filter that blocks everything.
judge({
  format: 'adblock',
  consumer: '@ghostery/adblocker',
  action: 'allow',
  start: engine(m => !m.match, '*$xhr\n'),
  cannotAsk: CANNOT,
});
