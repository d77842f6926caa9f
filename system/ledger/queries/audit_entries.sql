-- Legs of the round's batches, and legs of any other batch on the round's budget accounts.
SELECT e.batch, e.account, e.fen FROM {schema}.entry e LEFT JOIN {schema}.batch b USING (batch)
WHERE b.round = %(round)s OR e.account LIKE 'budget:' || %(round)s || ':%%'
ORDER BY e.batch
