-- name: interactions_count
-- Writes each interaction that is not there yet, and counts it in its tie, made where there is none. Ties are locked in
-- the order (lo, hi). Answers the keys that were new, and the ties that were made.
WITH asked AS (
    SELECT * FROM unnest(%(keys)s::text[], %(kinds)s::smallint[], %(froms)s::bigint[], %(tos)s::bigint[],
                         %(times)s::bigint[]) AS a(key, kind, from_uid, to_uid, at_us)
), fresh AS (
    INSERT INTO {schema}.interaction (key, kind, from_uid, to_uid, at_us)
    SELECT key, kind, from_uid, to_uid, at_us FROM asked ORDER BY key COLLATE "C"
    ON CONFLICT DO NOTHING
    RETURNING key, kind, from_uid, to_uid, at_us
), weighed AS (
    SELECT least(from_uid, to_uid) AS lo, greatest(from_uid, to_uid) AS hi, key, kind, from_uid, at_us,
           kind + CASE WHEN from_uid > to_uid THEN 5 ELSE 0 END AS way,
           power(2::float8, (at_us - %(landmark_us)s)::float8 / (%(half_lives_us)s::float8[])[kind]) AS weight
    FROM fresh
), summed AS (
    SELECT lo, hi, min(at_us) AS made_us, (array_agg(from_uid ORDER BY at_us, key))[1] AS made_by,
           (array_agg(kind ORDER BY at_us, key))[1] AS through,
           ARRAY[count(*) FILTER (WHERE way = 1), count(*) FILTER (WHERE way = 2), count(*) FILTER (WHERE way = 3),
                 count(*) FILTER (WHERE way = 4), count(*) FILTER (WHERE way = 5), count(*) FILTER (WHERE way = 6),
                 count(*) FILTER (WHERE way = 7), count(*) FILTER (WHERE way = 8), count(*) FILTER (WHERE way = 9),
                 count(*) FILTER (WHERE way = 10)]::integer[] AS counts,
           ARRAY[sum(weight) FILTER (WHERE way = 1), sum(weight) FILTER (WHERE way = 2),
                 sum(weight) FILTER (WHERE way = 3), sum(weight) FILTER (WHERE way = 4),
                 sum(weight) FILTER (WHERE way = 5), sum(weight) FILTER (WHERE way = 6),
                 sum(weight) FILTER (WHERE way = 7), sum(weight) FILTER (WHERE way = 8),
                 sum(weight) FILTER (WHERE way = 9), sum(weight) FILTER (WHERE way = 10)] AS weights
    FROM weighed GROUP BY lo, hi
), tied AS (
    INSERT INTO {schema}.tie AS t (lo, hi, made_us, made_by, through, counts, weights)
    SELECT lo, hi, made_us, made_by, through, counts, ARRAY(SELECT coalesce(w, 0) FROM unnest(weights) AS w)
    FROM summed ORDER BY lo, hi
    ON CONFLICT (lo, hi) DO UPDATE SET
        counts = ARRAY(SELECT coalesce(a, 0) + b
                       FROM unnest(t.counts, excluded.counts) WITH ORDINALITY AS u(a, b, n) ORDER BY n),
        weights = ARRAY(SELECT coalesce(a, 0) + b
                        FROM unnest(t.weights, excluded.weights) WITH ORDINALITY AS u(a, b, n) ORDER BY n)
    -- A row that was there has the xmax of this transaction's lock.
    RETURNING t.lo, t.hi, t.through, t.xmax = 0 AS made
), grown AS (
    INSERT INTO {schema}.tie_growth AS g (through, backend, ties)
    SELECT through, pg_backend_pid(), count(*) FROM tied WHERE made GROUP BY through ORDER BY through
    ON CONFLICT (through, backend) DO UPDATE SET ties = g.ties + excluded.ties
)
SELECT ARRAY(SELECT key FROM fresh), ARRAY(SELECT lo FROM tied WHERE made ORDER BY lo, hi),
       ARRAY(SELECT hi FROM tied WHERE made ORDER BY lo, hi)
