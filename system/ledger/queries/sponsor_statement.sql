-- The legs on a sponsor's accounts, newest batch first, a page at a time: `before` is the last batch of the page before.
SELECT e.batch, b.kind, b.round, e.account, e.fen, b.postings, b.committed_us
FROM {schema}.entry e JOIN {schema}.batch b USING (batch)
WHERE (e.account = 'sponsor:' || %(sponsor)s OR e.account LIKE 'budget:%%:' || %(sponsor)s) AND e.batch < %(before)s
ORDER BY e.batch DESC, e.account
LIMIT %(limit)s
