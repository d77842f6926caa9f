-- Where a round's money is, in one snapshot.
SELECT r.state, r.budget_fen, r.next_packet,
       p.fen, p.n, h.fen, h.n,
       (SELECT coalesce(sum(e.fen), 0)::bigint FROM {schema}.batch b JOIN {schema}.entry e USING (batch)
        WHERE b.round = r.round AND b.kind = 'refund' AND e.fen > 0)
FROM {schema}.round r,
     LATERAL (SELECT coalesce(sum(fen), 0)::bigint AS fen, count(*) AS n
              FROM {schema}.posting WHERE round = r.round) p,
     LATERAL (SELECT coalesce(sum(held_fen), 0)::bigint AS fen, count(*) AS n
              FROM {schema}.suspense WHERE round = r.round) h
WHERE r.round = %(round)s
