-- name: control_round_id
-- One sequence for both lanes.
SELECT nextval('control.round_id')::int

-- name: control_round_insert
-- A round, armed.
INSERT INTO {schema}.round (round, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed, commitment, created_us,
                            season)
VALUES (%(round)s, %(packets)s, %(budget_fen)s, %(start_us)s, %(end_us)s, %(release_ms)s, %(sponsors)s, %(seed)s,
        %(commitment)s, %(created_us)s, %(season)s)

-- name: control_season
-- The season of a round that is made: it stays open until the round is there.
SELECT state FROM {schema}.season WHERE season = %(season)s FOR SHARE

-- name: control_stream_insert
-- The stream of one front in a round.
INSERT INTO {schema}.stream (round, front, cell) VALUES (%(round)s, %(front)s, %(cell)s)

-- name: control_closing
-- The close of a round is asked for; nothing happens to one that closes or is closed already.
UPDATE {schema}.round SET state = 'closing' WHERE round = %(round)s AND state = 'armed'

-- name: control_money
-- Where a round's money is, in one snapshot; by batches, so that watching costs nothing. The audit reads every row.
SELECT r.state, r.budget_fen, r.next_packet,
       p.fen, p.n, h.fen, h.n,
       (SELECT coalesce(sum(b.fen), 0) FROM {schema}.batch b WHERE b.round = r.round AND b.kind = 'refund')
FROM {schema}.round r,
     LATERAL (SELECT coalesce(sum(fen), 0) AS fen, coalesce(sum(postings), 0) AS n
              FROM {schema}.batch WHERE round = r.round AND kind = 'credit') p,
     LATERAL (SELECT coalesce(sum(held_fen), 0)::bigint AS fen, count(*) AS n
              FROM {schema}.suspense WHERE round = r.round) h
WHERE r.round = %(round)s
