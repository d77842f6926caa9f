-- name: audit_tables
-- Every table of the lane's schema, by name; without the daily snapshot of the ties' strength, which play derives from the
-- ties whenever a day is over, whoever asked for a run.
SELECT tablename FROM pg_catalog.pg_tables
WHERE schemaname = '{schema}' AND tablename NOT IN ('strength_day', 'strength_user') ORDER BY tablename COLLATE "C"

-- name: audit_rounds_told
-- Tables whose rows say of which round they are, each with the column that does: its own, or that of its batch.
SELECT c.relname, max(a.attname::text)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = '{schema}' AND c.relkind = 'r' AND a.attname IN ('batch', 'round')
GROUP BY c.relname
