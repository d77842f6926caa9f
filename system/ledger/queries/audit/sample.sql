-- name: sample_credited
-- What left a round's budget for accounts and suspense, by the legs; and each stream's newest epoch and offset.
SELECT r.budget_fen, r.packets,
       (SELECT coalesce(-sum(e.fen), 0) FROM {schema}.batch b JOIN {schema}.entry e USING (batch)
        WHERE b.round = r.round AND b.kind IN ('credit', 'set_aside')),
       (SELECT coalesce(array_agg(ARRAY[s.front, s.cell, s.granted, s.offset_epoch, s.offset_seq] ORDER BY s.front), '{}')
        FROM {schema}.stream s WHERE s.round = r.round)
FROM {schema}.round r WHERE r.round = %(round)s

-- name: sample_packets
-- Packets of a round that the ledger knows to be awarded.
SELECT packet FROM {schema}.posting WHERE round = %(round)s
UNION ALL
SELECT packet FROM {schema}.suspense WHERE round = %(round)s AND held_fen > 0
