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

-- name: participation_starts
-- Rounds that began, of those asked for, with every start of a front that served in them: from when until when, how far
-- its reports go, and whether it answers no more: at all, or in the round. The time is the later of PostgreSQL's and
-- what control's clock is known to have reached.
SELECT r.round, r.created_us, r.closed_us, m.now_us, c.front, c.instance, c.began_us, c.ended_us, c.until_us, c.last,
       c.last OR r.closed_us <= c.until_us AND r.round <> ALL (c.rounds)
FROM (SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, max(k.began_us), max(k.until_us)) AS now_us
      FROM control.counting k) m
JOIN {schema}.round r ON r.start_us <= m.now_us
LEFT JOIN ({schema}.stream s
    JOIN (SELECT x.*, lead(x.began_us) OVER (PARTITION BY x.front ORDER BY x.instance) AS ended_us
          FROM control.counting x) c USING (front))
    ON s.round = r.round AND c.began_us < coalesce(r.closed_us, m.now_us)
       AND coalesce(c.ended_us, m.now_us) > r.start_us
WHERE (%(round)s::int IS NULL OR r.round = %(round)s::int)
  AND (%(programme)s::text IS NULL
       OR r.round IN (SELECT p.round FROM {schema}.programme_round p WHERE p.programme = %(programme)s::text))
ORDER BY r.round, c.front, c.instance
