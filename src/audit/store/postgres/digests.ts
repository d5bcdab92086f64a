/**
 * Canonical texts of a fleet's rows (canon.ts) out of their own fields and the texts of their parts, for whoever writes rows and
 * whoever reads them back. Parts that repeat are hashed once. Bound: the caches as set below, which forget what was not
 * used lately.
 */
import { docText, eventText, exchangeText, flowText, partDigest } from '../../canon.ts';
import { Recent } from '../recent.ts';
import type { ExchangeCanon, FlowCanon } from '../../canon.ts';

export type PlainExchange = Omit<ExchangeCanon, 'who' | 'what' | 'url' | 'proxy'>;
export type PlainFlow = Omit<FlowCanon, 'who' | 'lane' | 'hello' | 'cert' | 'verdict' | 'proxy'>;

const PARTS = 16_384;
const DOCS = 2048;

export class Digests {
  private readonly parts = new Recent<string, string>(PARTS);
  private readonly docs = new Recent<string, string>(DOCS);

  /** `parts`: their canonical texts. */
  exchange(x: PlainExchange, parts: Record<'who' | 'what' | 'url' | 'proxy', string>): string {
    const { who, what, url, proxy } = parts;
    const digests = {
      who: this.part(who),
      what: this.part(what),
      url: partDigest(url),
      proxy: this.part(proxy),
    };
    return exchangeText({ ...x, ...digests });
  }

  /** `detail` is the record as stored, so it holds the verdict too; hello and certificate are documents of their own. */
  flow(
    x: PlainFlow,
    parts: Record<'who' | 'lane' | 'proxy', string>,
    docs: Record<'hello' | 'cert', string | null>,
  ): string {
    return flowText({
      ...x,
      who: this.part(parts.who),
      lane: this.part(parts.lane),
      hello: this.doc(docs.hello),
      cert: this.doc(docs.cert),
      verdict: null,
      proxy: this.part(parts.proxy),
    });
  }

  event(x: { time: number; name: string; detail: string }, proxy: string): string {
    return eventText(x.time, x.name, x.detail, this.part(proxy));
  }

  private part(text: string): string {
    return kept(this.parts, text, () => partDigest(text));
  }

  private doc(text: string | null): string | null {
    return text === null ? null : kept(this.docs, text, () => partDigest(docText(text)));
  }
}

function kept(cache: Recent<string, string>, key: string, make: () => string): string {
  let value = cache.get(key);
  if (value === undefined) cache.set(key, (value = make()));
  return value;
}
