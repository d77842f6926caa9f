-- name: credit_streams
-- The streams a credit worker looks after, with offset and granted epoch: read before the stream itself, always.
SELECT s.round, s.front, s.offset_epoch, s.offset_seq, s.granted, s.stopped
FROM {schema}.stream s JOIN {schema}.round r USING (round)
WHERE r.state <> 'closed' AND s.cell = %(cell)s AND s.granted > 0
ORDER BY s.round, s.front
