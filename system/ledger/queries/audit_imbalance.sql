-- Batches of other rounds whose legs do not add up to 0: a lane balances as a whole, or not at all.
SELECT l.batch, b.round, sum(l.fen) FROM (
    SELECT batch, fen FROM {schema}.entry
    UNION ALL SELECT batch, fen FROM {schema}.posting
    UNION ALL SELECT batch, held_fen FROM {schema}.suspense
) l LEFT JOIN {schema}.batch b USING (batch)
WHERE b.round IS NULL OR b.round <> ALL(%(rounds)s::int[])
GROUP BY l.batch, b.round HAVING sum(l.fen) <> 0 ORDER BY l.batch
