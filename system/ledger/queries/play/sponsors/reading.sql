-- name: sponsor_balance
-- A sponsor's accounts with their balances in fen: its own (negative: what it has paid in) and one budget a round.
SELECT account, sum(fen) FROM (
    SELECT e.account, e.fen FROM {schema}.entry e
    WHERE e.account = ANY (ARRAY(SELECT 'budget:' || r.round || ':' || %(sponsor)s::int FROM {schema}.round r)
                           || ('sponsor:' || %(sponsor)s::int))
    UNION ALL
    SELECT l.account, l.amount FROM {schema}.leg l
    WHERE l.account = 'sponsor:' || %(sponsor)s::int AND l.currency = 'fen') moved
GROUP BY account ORDER BY account

-- name: sponsor_lines
-- What moved on a sponsor's accounts, newest first: legs of batches (source 0) and of plays' transfers (source 1), each
-- with the account's balance after it. `before_*` is the last line of the page before.
SELECT * FROM (
    SELECT m.*, sum(m.fen) OVER (PARTITION BY m.account ORDER BY m.at_us, m.source, m.number) FROM (
        SELECT b.committed_us AS at_us, 0 AS source, e.batch AS number, b.kind, b.round, e.account, e.fen, b.postings
        FROM {schema}.entry e JOIN {schema}.batch b USING (batch)
        WHERE e.account = ANY (ARRAY(SELECT 'budget:' || r.round || ':' || %(sponsor)s::int FROM {schema}.round r)
                               || ('sponsor:' || %(sponsor)s::int))
        UNION ALL
        SELECT t.at_us, 1, l.transfer, t.kind, NULL, l.account, l.amount, 0
        FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer)
        WHERE l.account = 'sponsor:' || %(sponsor)s::int AND l.currency = 'fen') m) told
WHERE (at_us, source, number) < (%(before_us)s::bigint, %(before_source)s::int, %(before_number)s::bigint)
ORDER BY at_us DESC, source DESC, number DESC, account
LIMIT %(limit)s::bigint

-- name: sponsor_totals
-- By kind, what moved on a sponsor's own account and on its rounds' budgets; kind `*`: what plays moved; `held`: its
-- money in suspense, whichever batch has put it there.
SELECT b.kind, coalesce(sum(e.fen) FILTER (WHERE e.account LIKE 'sponsor:%%'), 0),
       coalesce(sum(e.fen) FILTER (WHERE e.account LIKE 'budget:%%'), 0)
FROM {schema}.entry e JOIN {schema}.batch b USING (batch)
WHERE e.account = ANY (ARRAY(SELECT 'budget:' || r.round || ':' || %(sponsor)s::int FROM {schema}.round r)
                       || ('sponsor:' || %(sponsor)s::int))
GROUP BY b.kind
UNION ALL
SELECT '*', sum(l.amount), 0 FROM {schema}.leg l
WHERE l.account = 'sponsor:' || %(sponsor)s::int AND l.currency = 'fen' HAVING count(*) > 0
UNION ALL
SELECT 'held', sum(s.held_fen), 0 FROM {schema}.suspense s
WHERE s.held_sponsor = %(sponsor)s::int AND s.held_fen > 0 HAVING count(*) > 0

-- name: sponsor_name
-- The name that a sponsor had in its newest round.
SELECT s ->> 'name' FROM {schema}.round r, jsonb_array_elements(r.sponsors) s
WHERE (s ->> 'sponsor')::int = %(sponsor)s::int ORDER BY r.round DESC LIMIT 1

-- name: sponsor_shown
-- Answers that named a sponsor, as fronts counted them.
SELECT coalesce(sum((p.exposures ->> %(sponsor)s::int::text)::bigint), 0)::bigint FROM {schema}.participation p
WHERE p.exposures ? %(sponsor)s::int::text
