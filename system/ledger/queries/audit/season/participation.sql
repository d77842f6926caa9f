-- name: season_counted
-- What fronts counted in each of these rounds: taps, taps too fast, answers that named a sponsor. `died`: a start of a
-- front that may have answered in it ended without a last report. `behind`: its newest start has not written since the
-- close, or the round is not closed. No row where no front counts.
SELECT r.round, coalesce(p.taps, 0)::bigint, coalesce(p.too_fast, 0)::bigint, coalesce(p.shown, 0)::bigint,
       (SELECT count(*) FROM control.counting c
        JOIN LATERAL (SELECT min(x.began_us) AS began_us FROM control.counting x
                      WHERE x.front = c.front AND x.instance > c.instance) n ON n.began_us IS NOT NULL
        WHERE NOT c.last AND r.start_us < n.began_us AND coalesce(r.closed_us, n.began_us) >= c.until_us),
       (SELECT count(*) FROM control.counting c
        WHERE NOT c.last AND (r.closed_us IS NULL OR c.until_us < r.closed_us)
          AND NOT EXISTS (SELECT 1 FROM control.counting x WHERE x.front = c.front AND x.instance > c.instance))
FROM {schema}.round r
LEFT JOIN LATERAL (
    SELECT sum(taps) AS taps, sum(too_fast) AS too_fast,
           sum((SELECT coalesce(sum(e.value::bigint), 0) FROM jsonb_each_text(exposures) e)) AS shown
    FROM {schema}.participation x WHERE x.round = r.round) p ON true
WHERE r.round = ANY(%(rounds)s) AND EXISTS (SELECT 1 FROM control.counting) ORDER BY r.round

-- name: season_counted_users
-- The bitmaps of a round's users, as fronts reported them.
SELECT users FROM {schema}.participation WHERE round = %(round)s
