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
