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
} as const;
