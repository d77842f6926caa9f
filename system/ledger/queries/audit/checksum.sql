-- name: audit_tables
-- Every table of the lane's schema, by name; without the daily snapshot of the ties' strength, which play derives from the
-- ties whenever a day is over, whoever asked for a run.
SELECT tablename FROM pg_catalog.pg_tables
WHERE schemaname = '{schema}' AND tablename NOT IN ('strength_day', 'strength_user') ORDER BY tablename COLLATE "C"
