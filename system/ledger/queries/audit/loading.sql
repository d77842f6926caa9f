-- name: audit_rounds
-- Every round of the lane.
SELECT round, state, packets, budget_fen, start_us, end_us, next_packet, sponsors, seed, commitment
FROM {schema}.round ORDER BY round

-- name: audit_imbalance
-- Batches of other rounds whose legs do not add up to 0: a lane balances as a whole, or not at all.
SELECT l.batch, b.round, sum(l.fen) FROM (
    SELECT batch, fen FROM {schema}.entry
    UNION ALL SELECT batch, fen FROM {schema}.posting
    UNION ALL SELECT batch, held_fen FROM {schema}.suspense
) l LEFT JOIN {schema}.batch b USING (batch)
WHERE b.round IS NULL OR b.round <> ALL(%(rounds)s::int[])
GROUP BY l.batch, b.round HAVING sum(l.fen) <> 0 ORDER BY l.batch

-- name: audit_leases
-- Every lease of a round, by its packets.
SELECT front, epoch, number, lo, hi, abandoned, used FROM {schema}.lease WHERE round = %(round)s ORDER BY lo, hi

-- name: audit_postings
-- Postings of a round, packed: one value for 65,536 packets, 48 bytes a row, big endian. Several times faster than rows.
SELECT string_agg(int8send(uid) || int8send(packet) || int8send(fen) || int4send(sponsor) || int4send(front)
                  || int8send(award_us) || int8send(batch), '')
FROM {schema}.posting WHERE round = %(round)s GROUP BY packet >> 16

-- name: audit_suspense
-- Every record of a round held in suspense.
SELECT batch, front, epoch, seq, place, packet, uid, fen, sponsor, award_us, held_fen, held_sponsor, reason
FROM {schema}.suspense WHERE round = %(round)s ORDER BY batch, epoch, seq, place

-- name: audit_given_back
-- Packets whose money, held in suspense, two people gave back to the sponsor.
SELECT split_part(key, '-', 2)::bigint FROM {schema}.transfer
WHERE key >= 'settle:' || %(round)s::int || '-' AND key < 'settle:' || %(round)s::int || '.'
  AND kind = 'settle' AND request ->> 'to' = 'sponsor'

-- name: audit_batches
-- Every batch of a round.
SELECT batch, kind, front, from_epoch, from_seq, to_epoch, to_seq, postings, fen, committed_us
FROM {schema}.batch WHERE round = %(round)s ORDER BY batch

-- name: audit_entries
-- Legs of the round's batches, and legs of any other batch on the round's budget accounts.
SELECT e.batch, e.account, e.fen FROM {schema}.entry e LEFT JOIN {schema}.batch b USING (batch)
WHERE b.round = %(round)s OR e.account LIKE 'budget:' || %(round)s || ':%%'
ORDER BY e.batch

-- name: audit_streams
-- Every stream of a round: its epochs, its offset, what the close was told.
SELECT front, cell, epoch, granted, offset_epoch, offset_seq, stopped, confirmed_epoch, confirmed_seq
FROM {schema}.stream WHERE round = %(round)s ORDER BY front
