-- name: control_programme_insert
-- A programme, unless its name is taken.
INSERT INTO {schema}.programme (programme, request, loaded_us) VALUES (%(programme)s, %(request)s, %(now_us)s)
ON CONFLICT DO NOTHING RETURNING programme

-- name: control_programme_same
-- The request that the programme of that name stands for.
SELECT request FROM {schema}.programme WHERE programme = %(programme)s

-- name: control_programme_round_insert
-- A round as it is announced: its number, its secret seed, and the commitment to it.
INSERT INTO {schema}.programme_round (round, programme, place, item, seed, commitment)
VALUES (%(round)s, %(programme)s, %(place)s, %(item)s, %(seed)s, %(commitment)s)

-- name: control_programme_lock
-- An announced round that is not made yet, held until the commit; no row where it is made.
SELECT r.round FROM {schema}.programme_round r
WHERE r.round = %(round)s AND NOT EXISTS (SELECT 1 FROM {schema}.round x WHERE x.round = r.round)
FOR UPDATE

-- name: control_programme_leased
-- Packets leased to each front of these rounds, in the granted epoch.
SELECT s.round, s.front, coalesce(sum(l.hi - l.lo), 0)::bigint
FROM {schema}.stream s LEFT JOIN {schema}.lease l ON l.round = s.round AND l.front = s.front AND l.epoch = s.granted
WHERE s.round = ANY(%(rounds)s) GROUP BY s.round, s.front ORDER BY s.round, s.front

-- name: control_programme_money
-- Packets paid, or held in suspense, and what went back, of these rounds.
SELECT r.round,
       (SELECT coalesce(sum(b.postings), 0) FROM {schema}.batch b WHERE b.round = r.round AND b.kind = 'credit')
       + (SELECT count(*) FROM {schema}.suspense h WHERE h.round = r.round AND h.held_fen > 0),
       (SELECT coalesce(sum(b.fen), 0) FROM {schema}.batch b WHERE b.round = r.round AND b.kind = 'refund')
FROM {schema}.round r WHERE r.round = ANY(%(rounds)s)
