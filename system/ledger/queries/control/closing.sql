-- name: control_close_streams
-- What the close waits for, stream by stream.
SELECT s.front, s.cell, i.instance, s.confirmed_instance, s.epoch, s.granted, s.confirmed_epoch, s.confirmed_seq,
       s.offset_epoch, s.offset_seq, s.stopped
FROM {schema}.stream s LEFT JOIN control.instance i USING (front)
WHERE s.round = %(round)s ORDER BY s.front

-- name: close_lock
-- First statement of the close: keeps every credit transaction of the round out (they hold the row FOR KEY SHARE).
SELECT state, sponsors, packets, next_packet, budget_fen FROM {schema}.round WHERE round = %(round)s FOR UPDATE

-- name: close_refunds
-- What each sponsor gets back: what its budget account of the round still holds, and, to compare, the postings and the
-- money held in suspense by the rows themselves. budget = posted + held + refund must hold or the close must refuse.
WITH posted AS (
    SELECT sponsor, sum(fen) AS fen, count(*) AS n FROM {schema}.posting WHERE round = %(round)s GROUP BY sponsor
), held AS (
    SELECT held_sponsor AS sponsor, sum(held_fen)::bigint AS fen
    FROM {schema}.suspense WHERE round = %(round)s AND held_fen > 0 GROUP BY held_sponsor
), account AS (
    SELECT split_part(account, ':', 3)::int AS sponsor, sum(fen) AS fen
    FROM {schema}.entry WHERE account LIKE 'budget:' || %(round)s || ':%%' GROUP BY 1
)
SELECT a.sponsor, a.fen AS refund_fen, coalesce(p.fen, 0) AS posted_fen, coalesce(h.fen, 0) AS held_fen
FROM account a LEFT JOIN posted p USING (sponsor) LEFT JOIN held h USING (sponsor)
ORDER BY a.sponsor

-- name: control_close
-- Last statement of the close.
UPDATE {schema}.round SET state = 'closed', closed_us = %(now_us)s WHERE round = %(round)s AND state = 'closing'
