-- name: season_ties
-- Ties, those of them that stand twice or are no pair, and interactions.
SELECT (SELECT count(*) FROM {schema}.tie),
       (SELECT count(*) - count(DISTINCT (lo, hi)) FILTER (WHERE lo < hi) FROM {schema}.tie),
       (SELECT count(*) FROM {schema}.interaction)

-- name: season_tie_counts
-- Counters that are not what happened: how many, and the first, with what it says and what happened. `way`: five kinds
-- from lo to hi, then five back.
WITH said AS (
    SELECT t.lo, t.hi, u.way, u.number, u.weight FROM {schema}.tie t,
           unnest(t.counts, t.weights) WITH ORDINALITY AS u(number, weight, way)
), happened AS (
    SELECT least(from_uid, to_uid) AS lo, greatest(from_uid, to_uid) AS hi,
           kind + CASE WHEN from_uid > to_uid THEN 5 ELSE 0 END AS way, count(*) AS number,
           sum(power(2::float8, (at_us - %(landmark_us)s)::float8 / (%(half_lives_us)s::float8[])[kind])) AS weight
    FROM {schema}.interaction GROUP BY 1, 2, 3
)
SELECT count(*) OVER (), lo, hi, way, coalesce(s.number, 0), coalesce(h.number, 0)
FROM said s FULL JOIN happened h USING (lo, hi, way)
WHERE coalesce(s.number, 0) <> coalesce(h.number, 0)
   OR abs(coalesce(s.weight, 0) - coalesce(h.weight, 0)) > 1e-9 * greatest(s.weight, h.weight)
ORDER BY lo, hi, way LIMIT 1

-- name: season_tie_growth
-- Ties by what made them, where the growth that was counted says otherwise: (through, ties, counted).
SELECT through, coalesce(t.ties, 0), coalesce(g.ties, 0)
FROM (SELECT through, count(*) AS ties FROM {schema}.tie GROUP BY through) t
FULL JOIN (SELECT through, sum(ties)::bigint AS ties FROM {schema}.tie_growth GROUP BY through) g USING (through)
WHERE coalesce(t.ties, 0) <> coalesce(g.ties, 0) ORDER BY through

-- name: season_tie_makers
-- Ties that nothing made: of the kind and by whom they say, nothing happened. How many, and the first.
SELECT count(*) OVER (), t.lo, t.hi, t.made_by FROM {schema}.tie t
WHERE t.through > 0 AND NOT EXISTS (
    SELECT 1 FROM {schema}.interaction i
    WHERE i.kind = t.through AND i.from_uid = t.made_by AND i.to_uid = CASE t.made_by WHEN t.lo THEN t.hi WHEN t.hi THEN t.lo END)
ORDER BY t.lo, t.hi LIMIT 1

-- name: season_tie_silent
-- Claims, cards given, money given and bills paid that are in no tie: how many, and the first key.
SELECT count(*) OVER (), t.key FROM {schema}.transfer t
WHERE t.kind IN ('claim', 'gift', 'present', 'bill') AND t.key LIKE t.kind || ':%%'
  AND NOT EXISTS (SELECT 1 FROM {schema}.interaction i WHERE i.key = t.key)
ORDER BY t.transfer LIMIT 1
