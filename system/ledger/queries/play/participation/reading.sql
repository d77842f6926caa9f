-- name: participation_parts
-- What fronts counted, of all rounds, of one, or of a programme's; by round and minute.
SELECT p.round, p.minute_us, p.taps, p.too_fast, p.exposures, p.users FROM {schema}.participation p
WHERE (%(round)s::int IS NULL OR p.round = %(round)s::int)
  AND (%(programme)s::text IS NULL
       OR p.round IN (SELECT r.round FROM {schema}.programme_round r WHERE r.programme = %(programme)s::text))
ORDER BY p.round, p.minute_us

-- name: participation_unheard
-- Starts of fronts that a newer one replaced, and that never wrote a last report: since when, until when, and the rounds
-- that somebody could tap in meanwhile.
SELECT r.round, c.front, c.instance, c.until_us, n.began_us
FROM control.counting c
JOIN LATERAL (SELECT min(x.began_us) AS began_us FROM control.counting x
              WHERE x.front = c.front AND x.instance > c.instance) n ON n.began_us IS NOT NULL
JOIN {schema}.round r ON r.start_us < n.began_us AND coalesce(r.closed_us, n.began_us) >= c.until_us
WHERE NOT c.last ORDER BY r.round, c.front, c.instance
