import { SqliteStore } from '../src/audit/store/sqlite.ts';
import { parseQuery } from '../src/audit/query/parse.ts';
const NOW = Date.UTC(2026,10,21)-1;
const store = new SqliteStore('/tmp/search-scratch/cache/v2-5000000-30-1/audit');
const q = (t: string) => { const p = parseQuery(t, {kind:'exchanges', now: NOW}); if (!p.ok) throw new Error(p.error.message); return p.query; };
for (const t of process.argv.slice(3)) for (let i=0;i<2;i++) {
  const c = process.cpuUsage();
  const ask = process.argv[2];
  let out: unknown;
  if (ask==='chart') { const h = await store.histogram(q(t), {kind:'exchanges', since: NOW-30*864e5, until: NOW, buckets:120, budget: Infinity}); out = h.buckets.reduce((a,b)=>a+b.inspect,0); }
  else if (ask==='count') out = await store.count(q(t), {kind:'exchanges', budget: Infinity});
  else if (ask==='facets') out = (await store.facets(q(t), {kind:'exchanges', field:'host', budget: Infinity})).values[0];
  else out = (await store.search(q(t), {kind:'exchanges', limit:50})).rows.length;
  const s = process.cpuUsage(c); console.log(t, JSON.stringify(out), 'cpu', Math.round((s.user+s.system)/1000), 'user', Math.round(s.user/1000));
}
