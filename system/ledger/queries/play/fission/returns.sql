-- name: return_due
-- Rounds (or that one) whose shares can no longer be opened and are all settled, with what is left of their money.
SELECT f.round, h.amount FROM {schema}.fission f
JOIN {schema}.round r USING (round)
JOIN {schema}.holding h ON h.account = 'fission:' || f.round AND h.currency = 'fen' AND h.amount > 0
WHERE (%(round)s::int IS NULL OR f.round = %(round)s::int) AND r.state = 'closed'
  AND r.closed_us + f.open_s * 1000000::bigint <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
  AND NOT EXISTS (SELECT 1 FROM {schema}.share s WHERE s.round = f.round AND s.settled_us IS NULL)
ORDER BY f.round

-- name: return_lock
-- Whoever opens a share of the round, or pays for some, is done before.
SELECT pg_advisory_xact_lock(hashtextextended('{schema} fission:' || %(round)s::int, 0))

-- name: return_paid
-- What each sponsor has in it: paid in, less what was taken or given back.
SELECT p.account, (-sum(p.amount))::bigint FROM {schema}.leg f JOIN {schema}.leg p USING (transfer, currency)
WHERE f.account = 'fission:' || %(round)s::int AND currency = 'fen' AND p.account LIKE 'sponsor:%%'
GROUP BY p.account HAVING sum(p.amount) < 0 ORDER BY p.account

-- name: return_count
-- Returns of the round so far.
SELECT count(*) FROM {schema}.transfer
WHERE key >= 'return:' || %(round)s::int || ':' AND key < 'return:' || %(round)s::int || ';'
