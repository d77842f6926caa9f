-- name: transfer_write_many
-- Many transfers and their legs. Each adds up to 0 in each currency, or nothing is written, and the counts say so.
-- The clock is read once, under the locks of the holdings: who waited for one has the time at which he moved.
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us
), orders AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(keys)s::text[], %(requests)s::jsonb[]) AS o(kind, key, request)
), asked AS (
    SELECT * FROM unnest(%(of_keys)s::text[], %(accounts)s::text[], %(currencies)s::text[], %(amounts)s::bigint[])
    AS a(key, account, currency, amount)
), made AS (
    INSERT INTO {schema}.transfer (kind, key, request, at_us)
    SELECT o.kind, o.key, o.request, clock.us FROM orders o, clock
    WHERE NOT EXISTS (SELECT 1 FROM asked GROUP BY key, currency HAVING sum(amount) <> 0)
    RETURNING transfer, key
), written AS (
    INSERT INTO {schema}.leg (transfer, account, currency, amount)
    SELECT made.transfer, asked.account, asked.currency, asked.amount FROM made JOIN asked USING (key)
    RETURNING 1
)
SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM written)
