-- name: payouts_take
-- The next orders about which the bank is to be asked, and from when it may be asked again: after the deadline of this
-- call and a pause that doubles. What another process is just taking is left to it.
UPDATE {schema}.payout SET asked = asked + 1,
    ask_us = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + %(deadline_us)s::bigint
           + least(%(again_us)s::bigint << least(asked, 20), %(again_max_us)s::bigint)
WHERE payout IN (
    SELECT payout FROM {schema}.payout
    WHERE settled_us IS NULL AND ask_us <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    ORDER BY ask_us LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
RETURNING payout, bank_order::text, uid, fen

-- name: payout_settle
-- What the bank said, written with the transfer that carries it out.
UPDATE {schema}.payout SET state = %(state)s, why = %(why)s, settled_us = %(at_us)s
WHERE payout = %(payout)s AND settled_us IS NULL

-- name: payouts_waiting
-- Orders that the bank has not answered: how many, and when the oldest was made (null: none).
SELECT count(*), min(at_us) FROM {schema}.payout WHERE settled_us IS NULL
