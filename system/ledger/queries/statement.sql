-- A user's postings, newest first, a page at a time: `before_us` and `before_round` are the last row's of the page before.
SELECT p.round, p.packet, p.fen, p.sponsor, p.award_us, b.committed_us, p.batch
FROM {schema}.posting p JOIN {schema}.batch b USING (batch)
WHERE p.uid = %(uid)s AND (p.award_us, p.round) < (%(before_us)s, %(before_round)s)
ORDER BY p.award_us DESC, p.round DESC
LIMIT %(limit)s
