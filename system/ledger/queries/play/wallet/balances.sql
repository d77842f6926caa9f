-- name: balances
-- What each of these users has in this lane, in one snapshot: user, fen (what was credited and what transfers moved),
-- number of postings. Round after round by the index, whatever the planner knows: a table that was not analyzed yet would
-- be read whole.
WITH RECURSIVE posted(round) AS (
    (SELECT p.round FROM {schema}.posting p ORDER BY p.round LIMIT 1)
    UNION ALL
    SELECT (SELECT p.round FROM {schema}.posting p WHERE p.round > posted.round ORDER BY p.round LIMIT 1)
    FROM posted WHERE posted.round IS NOT NULL
)
SELECT asked.uid,
       coalesce(mine.fen, 0) + coalesce((SELECT h.amount FROM {schema}.holding h
           WHERE h.account = 'user:' || asked.uid AND h.currency = 'fen'), 0),
       coalesce(mine.credits, 0)
FROM unnest(%(uids)s::bigint[]) asked(uid), LATERAL (
    SELECT sum(each.fen) AS fen, sum(each.credits) AS credits
    FROM posted, LATERAL (SELECT sum(p.fen) AS fen, count(*) AS credits FROM {schema}.posting p
                          WHERE p.round = posted.round AND p.uid = asked.uid) each) mine
