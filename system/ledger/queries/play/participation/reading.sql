-- name: participation_asked
-- Whether what is asked for is there: the round, the programme.
SELECT %(round)s::int IS NULL OR EXISTS (SELECT 1 FROM {schema}.round r WHERE r.round = %(round)s::int)
           OR EXISTS (SELECT 1 FROM {schema}.programme_round r WHERE r.round = %(round)s::int),
       %(programme)s::text IS NULL
           OR EXISTS (SELECT 1 FROM {schema}.programme p WHERE p.programme = %(programme)s::text)

-- name: participation_parts
-- What fronts counted, of all rounds, of one, or of a programme's; by round and minute.
SELECT p.round, p.minute_us, p.taps, p.too_fast, p.exposures, p.users FROM {schema}.participation p
WHERE (%(round)s::int IS NULL OR p.round = %(round)s::int)
  AND (%(programme)s::text IS NULL
       OR p.round IN (SELECT r.round FROM {schema}.programme_round r WHERE r.programme = %(programme)s::text))
ORDER BY p.round, p.minute_us

-- name: participation_unheard
-- Starts of fronts without a last report that a newer one replaced, or that say nothing any more: since when, until
-- when, and the rounds, of those asked for, that somebody could tap in meanwhile. A front that works reports every
-- second: one whose last report is `silent_us` old is silent until now, in the rounds that it may have heard of.
SELECT r.round, c.front, c.instance, c.until_us, n.until_us
FROM control.counting c
JOIN LATERAL (SELECT coalesce(x.began_us, CASE WHEN c.until_us < m.now_us - %(silent_us)s THEN m.now_us END) AS until_us,
                     x.began_us IS NULL AS silent
              FROM (SELECT min(o.began_us) AS began_us FROM control.counting o
                    WHERE o.front = c.front AND o.instance > c.instance) x,
                   (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us) m) n
    ON n.until_us IS NOT NULL
JOIN {schema}.round r ON r.start_us < n.until_us AND coalesce(r.closed_us, n.until_us) >= c.until_us
    AND (NOT n.silent OR r.created_us <= c.until_us + %(silent_us)s)
WHERE NOT c.last AND (%(round)s::int IS NULL OR r.round = %(round)s::int)
  AND (%(programme)s::text IS NULL
       OR r.round IN (SELECT p.round FROM {schema}.programme_round p WHERE p.programme = %(programme)s::text))
ORDER BY r.round, c.front, c.instance
