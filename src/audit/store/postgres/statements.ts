/** Every statement that writes into PostgreSQL: constants all, values bound or copied. */

const EXCHANGE =
  'day, seq, proxy, flow, n, time, us, wait, client, ip, account, method, scheme, host, port, path, status, protocol, action, ' +
  'rule, policy, reason, capture, refusal, fault, fault_detail, sni, type, up, down, flags, req_kept, res_kept, req_sha, ' +
  'res_sha, req_body, res_body, req_text, res_text, req_block, res_block, req_rest, res_rest, mask, tls, parent, masked, words';
const FLOW =
  'day, seq, proxy, flow, time, us, client, ip, account, host, port, scheme, ingress, sni, alpn, ja4, action, rule, policy, ' +
  'reason, fault, up, down, exchanges, hello, cert, mask, tls, parent, detail, words';
const EVENT = 'day, seq, proxy, time, name, detail';

export const COPY = {
  exchange: `COPY exchange (${EXCHANGE}) FROM STDIN`,
  flow: `COPY flow (${FLOW}) FROM STDIN`,
  event: `COPY event (${EVENT}) FROM STDIN`,
} as const;

export const BLOCKS = `INSERT INTO block (day, hash, text, words)
  SELECT $1::date, hash, text, words::tsvector FROM unnest($2::bytea[], $3::text[], $4::text[]) AS b (hash, text, words)
  ON CONFLICT DO NOTHING`;
export const BODIES = `INSERT INTO body (day, sha, size, enc, data) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`;
export const BODY_TEXTS = `INSERT INTO body_text (day, hash, words) VALUES ($1, $2, $3::tsvector) ON CONFLICT DO NOTHING`;

export const SQL = {
  findProxy: 'SELECT id FROM proxy WHERE name = $1 AND spool = $2',
  addProxy: 'INSERT INTO proxy (name, spool, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
  takePlaces: `UPDATE ledger SET next = next + $1::bigint, day = greatest(day, $2::date)
    RETURNING next - $1::bigint AS first, day`,
  makeDay: 'SELECT make_day($1)',
  shipped: 'SELECT segment, head, at, done, bad FROM shipped WHERE proxy = $1 AND segment = ANY ($2::text[])',
  ship: `INSERT INTO shipped (proxy, segment, head, at, done, bad) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (proxy, segment) DO UPDATE SET head = excluded.head, at = excluded.at, done = excluded.done, bad = excluded.bad`,
  forgetSegments: 'DELETE FROM shipped WHERE proxy = $1 AND done AND NOT segment = ANY ($2::text[])',
  openFlows: `INSERT INTO open_flow (proxy, flow, start) SELECT $1, flow, start
    FROM unnest($2::bigint[], $3::text[]) AS o (flow, start) ON CONFLICT (proxy, flow) DO UPDATE SET start = excluded.start`,
  closeFlows: 'DELETE FROM open_flow WHERE proxy = $1 AND flow = ANY ($2::bigint[])',
  countExchanges: `SELECT flow, count(*) AS n FROM exchange WHERE proxy = $1 AND flow = ANY ($2::bigint[]) GROUP BY flow`,
  keepBody: `INSERT INTO waiting_body (proxy, flow, n, side, day, sha, size) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (proxy, flow, n, side) DO UPDATE SET day = excluded.day, sha = excluded.sha, size = excluded.size`,
  bodyData: 'SELECT enc, data FROM body WHERE day = $1 AND sha = $2',
  dropBody: 'DELETE FROM waiting_body WHERE proxy = $1 AND flow = $2 AND n = $3 AND side = $4',
  carryBody: `INSERT INTO body (day, sha, size, enc, data) SELECT $1, sha, size, enc, data FROM body
    WHERE day = $2 AND sha = $3 ON CONFLICT DO NOTHING`,
  sumDay: `INSERT INTO day (day, exchanges, flows, events, lo, hi) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (day) DO UPDATE SET exchanges = day.exchanges + excluded.exchanges, flows = day.flows + excluded.flows,
      events = day.events + excluded.events, lo = least(day.lo, excluded.lo), hi = greatest(day.hi, excluded.hi)`,
  sumMinutes: `INSERT INTO minute (day, kind, minute, action, n, faults) SELECT $1, kind, minute, action, n, faults
    FROM unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[]) AS m (kind, minute, action, n, faults)
    ON CONFLICT (day, kind, minute, action) DO UPDATE SET n = minute.n + excluded.n, faults = minute.faults + excluded.faults`,

  proxyOf: 'SELECT name, spool FROM proxy WHERE id = $1',
} as const;

/** The chain: its head, where each day begins, entries, and what was signed. */
export const CHAIN_SQL = {
  head: 'SELECT id, seq, link, tail FROM chain_head WHERE key = $1',
  addHead: 'INSERT INTO chain_head (key, seq, link, tail) VALUES ($1, 0, $2, $3) ON CONFLICT DO NOTHING',
  // Only from where this writer left it: whoever finds it elsewhere begins again with what is there.
  moveHead: 'UPDATE chain_head SET seq = $2, link = $3, tail = $4 WHERE id = $1 AND seq = $5 AND link = $6',
  lastStart: 'SELECT day, start FROM chain_start WHERE chain = $1 ORDER BY day DESC LIMIT 1',
  addStart: 'INSERT INTO chain_start (day, chain, start) VALUES ($1, $2, $3)',
  lastCheckpoint: 'SELECT n, statement FROM checkpoint WHERE chain = $1 AND day = $2 ORDER BY n DESC LIMIT 1',
  checkpoint: 'SELECT statement FROM checkpoint WHERE chain = $1 AND n = $2',
  checkpointsAfter:
    'SELECT n, statement, signature FROM checkpoint WHERE chain = $1 AND n > $2 ORDER BY n LIMIT 1000',
  checkpointsOfDay: 'SELECT statement, signature FROM checkpoint WHERE chain = $1 AND day = $2',
  addCheckpoint: 'INSERT INTO checkpoint (chain, n, day, statement, signature) VALUES ($1, $2, $3, $4, $5)',
  add: 'INSERT INTO chain (day, chain, seq, base, entries, link) VALUES ($1, $2, $3, $4, $5, $6)',
  batches: `SELECT seq, base, entries, link FROM chain WHERE day = $1 AND chain = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
  unsealed: `SELECT s.day, s.start FROM chain_start s WHERE s.chain = $1 AND s.day < (SELECT l.day FROM ledger l)
    AND NOT EXISTS (SELECT 1 FROM seal e WHERE e.chain = s.chain AND e.day = s.day) ORDER BY s.day LIMIT 1`,
  sealBefore: 'SELECT statement FROM seal WHERE chain = $1 AND day < $2 ORDER BY day DESC LIMIT 1',
  addSeal: 'INSERT INTO seal (day, chain, statement, signature) VALUES ($1, $2, $3, $4)',
  tails: `SELECT s.chain, h.key, t.seq + length(t.entries) / 45 - 1 AS last, t.link FROM chain_start s JOIN chain_head h ON h.id = s.chain
    CROSS JOIN LATERAL (SELECT c.seq, c.entries, c.link FROM chain c WHERE c.day = s.day AND c.chain = s.chain ORDER BY c.seq DESC LIMIT 1) t
    WHERE s.day = $1`,
  addDropped:
    'INSERT INTO dropped (day, chain, statement, signature) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
} as const;
