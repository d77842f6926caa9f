-- name: present_tie
-- A row where the two have a tie.
SELECT 1 FROM {schema}.tie WHERE (lo, hi) = (%(lo)s, %(hi)s)

-- name: presents_seen
-- The newest gifts of money of a user: the other of the two, the user's part, what for, what became of it.
SELECT t.transfer, substring(o.account FROM 6)::bigint, l.amount, coalesce(t.request ->> 'what', ''), t.at_us,
       CASE WHEN r.transfer IS NULL THEN 'given' ELSE 'reversed' END
FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer)
JOIN {schema}.leg o ON o.transfer = t.transfer AND o.account <> l.account
LEFT JOIN {schema}.transfer r ON r.reverses = t.transfer
WHERE l.account = %(account)s::text AND l.currency = 'fen' AND t.kind = 'present' ORDER BY l.transfer DESC LIMIT 50
