-- name: control_instance
-- The newest instance of a front, as this snapshot has it.
SELECT instance FROM control.instance WHERE front = %(front)s

-- name: control_stream_view
-- Where credit stands with a front's stream, for its rebuild.
SELECT s.offset_epoch, s.offset_seq, s.granted, r.state
FROM {schema}.stream s JOIN {schema}.round r USING (round)
WHERE s.round = %(round)s AND s.front = %(front)s

-- name: control_stream_posting
-- What the ledger holds of one front's stream in {schema}.posting: five big-endian numbers of 8 bytes a row, in one value.
SELECT string_agg(int8send(packet) || int8send(uid) || int8send(fen) || int8send(sponsor) || int8send(award_us),
                  ''::bytea)
FROM {schema}.posting WHERE round = %(round)s AND front = %(front)s

-- name: control_stream_suspense
-- What the ledger holds of one front's stream in {schema}.suspense: five big-endian numbers of 8 bytes a row, in one
-- value, those first whose money is held; and how many these are.
SELECT string_agg(int8send(packet) || int8send(uid) || int8send(fen) || int8send(sponsor) || int8send(award_us),
                  ''::bytea ORDER BY held_fen = 0),
       count(*) FILTER (WHERE held_fen > 0)
FROM {schema}.suspense WHERE round = %(round)s AND front = %(front)s

-- name: control_confirm_lock
-- The stream's row for the confirmation.
SELECT granted, epoch, confirmed_epoch, confirmed_seq FROM {schema}.stream
WHERE round = %(round)s AND front = %(front)s FOR NO KEY UPDATE

-- name: control_confirm
-- The front has settled: it awards no more under this epoch, and its stream ends here.
UPDATE {schema}.stream
SET confirmed_instance = %(instance)s, confirmed_epoch = %(epoch)s, confirmed_seq = %(sequence)s
WHERE round = %(round)s AND front = %(front)s
