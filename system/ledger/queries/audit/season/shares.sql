-- name: season_shares
-- What there is to look at: shares, claims; fen paid in, claimed, open, refunded, as the legs and the shares say.
SELECT (SELECT count(*) FROM {schema}.share), (SELECT count(*) FROM {schema}.claim),
       coalesce(sum(l.amount) FILTER (WHERE t.kind = 'share'), 0),
       coalesce(-sum(l.amount) FILTER (WHERE t.kind = 'claim'), 0),
       (SELECT coalesce(sum((SELECT sum(p) FROM unnest(s.parts[s.claimed + 1:]) p)), 0) FROM {schema}.share s
        WHERE s.settled_us IS NULL),
       coalesce(-sum(l.amount) FILTER (WHERE t.kind = 'refund'), 0)
FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer)
WHERE l.account >= 'share:' AND l.account < 'share;' AND l.currency = 'fen'

-- name: season_shares_wrong
-- Shares that do not add up (`money`), have other claims than they say (`count`), and claims that cannot be: without
-- their transfer or their part (`claim`), a transfer without its claim (`transfer`), by the owner (`owner`), at or after
-- the expiry (`late`); openings and refunds with another account than the round's fission money (`round`). For each: how
-- many, the fen off of all, the first share and user. An operator may take a share's
-- money back, or a claim: what he moved is no difference.
WITH moved AS (
    SELECT substr(l.account, 7) AS award,
           coalesce(sum(l.amount) FILTER (WHERE t.kind = 'share'), 0) AS paid_in,
           coalesce(-sum(l.amount) FILTER (WHERE t.kind = 'claim'), 0) AS claimed,
           coalesce(-sum(l.amount) FILTER (WHERE t.kind = 'refund'), 0) AS refunded,
           coalesce(sum(l.amount) FILTER (WHERE t.kind NOT IN ('share', 'claim', 'refund')), 0) AS by_hand
    FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer)
    WHERE l.account >= 'share:' AND l.account < 'share;' AND l.currency = 'fen' GROUP BY l.account
), got AS (
    SELECT award, count(*) AS claims, max(part) AS last, sum(fen) AS fen FROM {schema}.claim GROUP BY award
), books AS (
    SELECT award, s.settled_us IS NOT NULL AS settled, coalesce(s.claimed, 0) AS count, cardinality(s.parts) AS parts,
           CASE WHEN s.settled_us IS NULL
                THEN (SELECT coalesce(sum(p), 0) FROM unnest(s.parts[s.claimed + 1:]) p) ELSE 0 END AS open,
           coalesce(m.paid_in, 0) AS paid_in, coalesce(m.claimed, 0) AS claimed, coalesce(m.refunded, 0) AS refunded,
           coalesce(m.by_hand, 0) AS by_hand, coalesce(g.claims, 0) AS claims, coalesce(g.last, 0) AS last,
           coalesce(g.fen, 0) AS got
    FROM {schema}.share s FULL JOIN moved m USING (award) LEFT JOIN got g USING (award)
), off AS (
    SELECT *, CASE WHEN settled
                   -- What the account still holds: nothing, or what an operator put back into it.
                   THEN greatest(-(paid_in - claimed - refunded + by_hand),
                                 paid_in - claimed - refunded + by_hand - greatest(by_hand, 0), 0)
                   ELSE abs(paid_in - claimed - refunded - open) END AS fen
    FROM books
), paid AS (
    SELECT t.key, l.account, l.amount FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
    WHERE t.kind = 'claim' AND l.currency = 'fen' AND l.amount > 0
), wrong AS (
    SELECT 'money' AS what, award, NULL::bigint AS uid, greatest(fen, abs(claimed - got)) AS off
    FROM off WHERE fen <> 0 OR claimed <> got
    UNION ALL
    SELECT 'count', award, NULL, 0 FROM books WHERE claims <> count OR last <> claims OR parts IS NULL OR claims > parts
    UNION ALL
    SELECT 'claim', c.award, c.uid, abs(c.fen - coalesce(p.amount, 0))
    FROM {schema}.claim c LEFT JOIN {schema}.share s USING (award)
    LEFT JOIN paid p ON p.key = 'claim:' || c.award || ':' || c.uid AND p.account = 'user:' || c.uid
    WHERE p.amount IS DISTINCT FROM c.fen OR s.parts[c.part] IS DISTINCT FROM c.fen
    UNION ALL
    SELECT 'transfer', split_part(p.key, ':', 2), NULL, p.amount FROM paid p
    WHERE NOT EXISTS (SELECT 1 FROM {schema}.claim c WHERE p.key = 'claim:' || c.award || ':' || c.uid)
    UNION ALL
    SELECT CASE WHEN c.uid = s.uid THEN 'owner' ELSE 'late' END, award, c.uid, 0
    FROM {schema}.claim c JOIN {schema}.share s USING (award) WHERE c.uid = s.uid OR c.at_us >= s.expires_us
    UNION ALL
    SELECT 'round', substr(l.account, 7), NULL, abs(l.amount) FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
    WHERE t.kind IN ('share', 'refund') AND l.account >= 'share:' AND l.account < 'share;' AND NOT EXISTS (
        SELECT 1 FROM {schema}.leg o WHERE o.transfer = l.transfer AND o.currency = 'fen' AND o.amount = -l.amount
        AND o.account = 'fission:' || split_part(substr(l.account, 7), '-', 1))
)
SELECT DISTINCT ON (what) what, count(*) OVER w, sum(off) OVER w, award, uid
FROM wrong WINDOW w AS (PARTITION BY what) ORDER BY what, award, uid

-- name: season_returns
-- Returns of rounds' fission money, and their fen.
SELECT count(DISTINCT t.transfer), coalesce(-sum(l.amount), 0)
FROM {schema}.transfer t LEFT JOIN {schema}.leg l ON l.transfer = t.transfer AND l.account LIKE 'fission:%%'
WHERE t.kind = 'return'

-- name: season_returns_wrong
-- Returns that cannot be: while a share of the round was open, or before one was opened (`early`), to a sponsor who then
-- had given nothing (`whom`), out of another account (`from`). For each: how many, the fen off of all, the first key and
-- share or account.
WITH returned AS (
    SELECT t.transfer, t.key, t.at_us, (t.request ->> 'round')::int AS round FROM {schema}.transfer t
    WHERE t.kind = 'return'
), wrong AS (
    SELECT 'early' AS what, r.key, s.award AS name, 0 AS off
    FROM returned r JOIN {schema}.share s USING (round)
    WHERE s.opened_us > r.at_us OR s.settled_us IS NULL OR s.settled_us > r.at_us
    UNION ALL
    SELECT 'whom', max(r.key), p.account, sum(p.amount)
    FROM (SELECT DISTINCT ON (round) round, key FROM returned ORDER BY round, transfer DESC) r
    JOIN {schema}.leg f ON f.account = 'fission:' || r.round AND f.currency = 'fen'
    JOIN {schema}.leg p ON p.transfer = f.transfer AND p.currency = 'fen' AND p.account LIKE 'sponsor:%%'
    GROUP BY r.round, p.account HAVING sum(p.amount) > 0
    UNION ALL
    SELECT 'from', r.key, l.account, abs(l.amount) FROM returned r JOIN {schema}.leg l USING (transfer)
    WHERE l.currency <> 'fen' OR CASE WHEN l.amount < 0 THEN l.account <> 'fission:' || r.round
                                      ELSE l.account NOT LIKE 'sponsor:%%' END
)
SELECT DISTINCT ON (what) what, count(*) OVER w, sum(off) OVER w, key, name
FROM wrong WINDOW w AS (PARTITION BY what) ORDER BY what, key, name
