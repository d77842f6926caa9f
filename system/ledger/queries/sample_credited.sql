-- What left a round's budget for accounts and suspense, by the legs; and the newest epochs, to notice a new one.
SELECT r.budget_fen, r.packets,
       (SELECT coalesce(-sum(e.fen), 0)::bigint FROM {schema}.batch b JOIN {schema}.entry e USING (batch)
        WHERE b.round = r.round AND b.kind IN ('credit', 'set_aside')),
       (SELECT coalesce(array_agg(ARRAY[s.front, s.cell, s.granted] ORDER BY s.front), '{}')
        FROM {schema}.stream s WHERE s.round = r.round)
FROM {schema}.round r WHERE r.round = %(round)s
