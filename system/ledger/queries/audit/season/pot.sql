-- name: season_pots
-- Each season's pot: what was paid in, frozen, paid out, and what is left of it.
SELECT s.season, s.state, s.pot_fen, s.blessings, s.each_fen,
       (SELECT count(*) FROM {schema}.transfer t WHERE t.kind = 'combine' AND (t.request ->> 'season')::int = s.season),
       coalesce((SELECT h.amount FROM {schema}.holding h WHERE h.account = 'pot:' || s.season AND h.currency = 'fen'), 0),
       coalesce(sum(l.amount) FILTER (WHERE l.account LIKE 'user:%%' AND l.currency = 'fen'), 0),
       coalesce(sum(l.amount) FILTER (WHERE l.account = 'rounding:' || s.season AND l.currency = 'fen'), 0),
       coalesce(sum(l.amount) FILTER (WHERE l.account = 'sponsor:' || s.sponsor AND l.currency = 'fen'), 0)
FROM {schema}.season s
LEFT JOIN {schema}.transfer t ON t.kind = 'pot' AND (t.request ->> 'season')::int = s.season
LEFT JOIN {schema}.leg l USING (transfer)
GROUP BY s.season ORDER BY s.season

-- name: season_blessings
-- Blessings that users hold, combinations, and blessings that pots have paid, of all seasons.
SELECT (SELECT coalesce(sum(amount), 0) FROM {schema}.holding WHERE currency = 'blessing' AND account LIKE 'user:%%'),
       (SELECT count(*) FROM {schema}.transfer WHERE kind = 'combine'),
       (SELECT coalesce(sum(l.amount), 0) FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
        WHERE t.kind = 'pot' AND l.currency = 'blessing' AND l.account LIKE 'mint:%%')

-- name: season_pot_users
-- What is wrong with single users of a pot, for each kind of wrong: how many, and the first (season, uid).
WITH combined AS (
    SELECT (t.request ->> 'season')::int AS season, l.account, count(*) AS times, max(t.at_us) AS at_us
    FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
    WHERE t.kind = 'combine' AND l.currency = 'blessing' AND l.amount = 1 AND l.account LIKE 'user:%%' GROUP BY 1, 2
), torn AS (
    SELECT (t.request ->> 'season')::int AS season, t.key AS account FROM {schema}.transfer t
    JOIN {schema}.leg l USING (transfer) WHERE t.kind = 'combine' GROUP BY t.transfer
    HAVING count(*) FILTER (WHERE l.account LIKE 'user:%%' AND l.currency LIKE 'card:%%' AND l.amount = -1) <> 5
        OR count(DISTINCT l.account) FILTER (WHERE l.account LIKE 'user:%%') <> 1
        OR count(*) FILTER (WHERE l.account LIKE 'user:%%' AND l.currency = 'blessing' AND l.amount = 1) <> 1
), listed AS (
    SELECT season, 'user:' || uid AS account, count(*) AS times, sum(fen) AS fen FROM {schema}.pot_share GROUP BY 1, 2
), paid AS (
    SELECT (t.request ->> 'season')::int AS season, l.account,
           coalesce(-sum(l.amount) FILTER (WHERE l.currency = 'blessing'), 0) AS blessings,
           coalesce(sum(l.amount) FILTER (WHERE l.currency = 'fen'), 0) AS fen
    FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
    WHERE t.kind = 'pot' AND l.account LIKE 'user:%%' GROUP BY 1, 2
), everybody AS (
    SELECT season, account, s.state, s.ended_us, s.each_fen, c.times AS combined, c.at_us, l.times AS listed,
           l.fen AS listed_fen, p.blessings, p.fen AS paid_fen
    FROM combined c FULL JOIN listed l USING (season, account) FULL JOIN paid p USING (season, account)
    JOIN {schema}.season s USING (season)
), wrong AS (
    SELECT season, account, unnest(array_remove(ARRAY[
        CASE WHEN combined > 1 THEN 'twice' END,
        CASE WHEN at_us > ended_us THEN 'late' END,
        CASE WHEN state <> 'open' AND combined IS NOT NULL AND listed IS NULL THEN 'not_listed' END,
        CASE WHEN listed IS NOT NULL AND (combined IS NULL OR listed > 1 OR listed_fen <> each_fen) THEN 'list' END,
        CASE WHEN blessings IS NOT NULL AND (listed IS NULL OR blessings <> 1 OR paid_fen <> each_fen) THEN 'paid' END,
        CASE WHEN state = 'paid' AND listed IS NOT NULL AND blessings IS NULL THEN 'unpaid' END
    ], NULL)) AS what FROM everybody
    UNION ALL SELECT season, account, 'torn' FROM torn
)
SELECT what, count(*), min(season), min(account) FROM wrong GROUP BY what ORDER BY what
