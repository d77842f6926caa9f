-- name: transfer_by_key
-- The transfer of a key, whether it was reversed since, and its legs in the order of their accounts.
SELECT t.transfer, t.kind, t.request, t.reverses, t.at_us,
       EXISTS (SELECT 1 FROM {schema}.transfer r WHERE r.reverses = t.transfer),
       array_agg(l.account ORDER BY l.account, l.currency), array_agg(l.currency ORDER BY l.account, l.currency),
       array_agg(l.amount ORDER BY l.account, l.currency)
FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
WHERE t.key = %(key)s GROUP BY t.transfer

-- name: transfer_legs
-- The legs of a transfer that is to be reversed, and whether it was already, or is itself a reversal; its kind.
SELECT array_agg(l.account ORDER BY l.account, l.currency), array_agg(l.currency ORDER BY l.account, l.currency),
       array_agg(l.amount ORDER BY l.account, l.currency), t.reverses IS NOT NULL,
       EXISTS (SELECT 1 FROM {schema}.transfer r WHERE r.reverses = t.transfer), t.kind
FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
WHERE t.transfer = %(transfer)s GROUP BY t.transfer

-- name: transfer_lock_key
-- Whoever sends the same key waits here until the one before has committed or is undone.
SELECT pg_advisory_xact_lock(hashtextextended('{schema} ' || %(key)s, 0))

-- name: transfer_open_holdings
-- A row to lock for each account with a floor that has none yet.
INSERT INTO {schema}.holding (account, currency, amount)
SELECT o.account, o.currency, 0 FROM unnest(%(accounts)s::text[], %(currencies)s::text[]) AS o(account, currency)
ORDER BY o.account COLLATE "C", o.currency COLLATE "C"
ON CONFLICT DO NOTHING

-- name: transfer_lock_holdings
-- Locked in the order of their bytes, whoever asks: no two transfers wait for each other.
SELECT h.account, h.currency, h.amount FROM {schema}.holding h
JOIN unnest(%(accounts)s::text[], %(currencies)s::text[]) AS o(account, currency) USING (account, currency)
ORDER BY h.account, h.currency FOR UPDATE OF h

-- name: transfer_move
-- Moves what keeps its floor. A user's fen may be spent down to what credit has posted; every other floor is 0. What was
-- posted is found round after round by the index, whatever the planner knows: accounts are locked while this runs.
WITH RECURSIVE posted(round) AS (
    (SELECT p.round FROM {schema}.posting p ORDER BY p.round LIMIT 1)
    UNION ALL
    SELECT (SELECT p.round FROM {schema}.posting p WHERE p.round > posted.round ORDER BY p.round LIMIT 1)
    FROM posted WHERE posted.round IS NOT NULL
), asked AS MATERIALIZED (
    SELECT o.account, o.currency, o.amount,
           CASE WHEN o.amount > 0 OR o.uid IS NULL THEN 0
                ELSE (SELECT coalesce(sum((SELECT sum(p.fen) FROM {schema}.posting p
                                           WHERE p.round = posted.round AND p.uid = o.uid)), 0) FROM posted)
           END AS credited
    FROM unnest(%(accounts)s::text[], %(currencies)s::text[], %(amounts)s::bigint[], %(uids)s::bigint[])
         AS o(account, currency, amount, uid)
)
UPDATE {schema}.holding h SET amount = h.amount + o.amount FROM asked o
WHERE (h.account, h.currency) = (o.account, o.currency) AND (o.amount > 0 OR h.amount + o.amount + o.credited >= 0)
RETURNING h.account, h.currency

-- name: transfer_write
-- The transfer and its legs, if they add up to 0 in each currency: else nothing, and no row.
WITH asked AS (
    SELECT * FROM unnest(%(accounts)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])
    AS a(account, currency, amount)
), made AS (
    INSERT INTO {schema}.transfer (kind, key, request, reverses, at_us)
    SELECT %(kind)s, %(key)s, %(request)s, %(reverses)s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    WHERE EXISTS (SELECT 1 FROM asked)
      AND NOT EXISTS (SELECT 1 FROM asked GROUP BY currency HAVING sum(amount) <> 0)
    RETURNING transfer, at_us
), written AS (
    INSERT INTO {schema}.leg (transfer, account, currency, amount)
    SELECT made.transfer, asked.account, asked.currency, asked.amount FROM made, asked
)
SELECT transfer, at_us FROM made

-- name: transfer_head
-- A transfer of very many legs, which follow.
INSERT INTO {schema}.transfer (kind, key, request, reverses, at_us)
VALUES (%(kind)s, %(key)s, %(request)s, %(reverses)s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
RETURNING transfer, at_us

-- name: transfer_copy
-- The legs of such a transfer, in binary.
COPY {schema}.leg (transfer, account, currency, amount) FROM STDIN (FORMAT binary)

-- name: transfer_off
-- In how many currencies its legs do not add up to 0; null: it has none.
SELECT CASE WHEN count(*) > 0 THEN count(*) FILTER (WHERE o.amount <> 0) END
FROM (SELECT sum(l.amount) AS amount FROM {schema}.leg l WHERE l.transfer = %(transfer)s GROUP BY l.currency) o
