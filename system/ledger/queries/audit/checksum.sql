-- name: audit_tables
-- Every table of the lane's schema, by name.
SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = '{schema}' ORDER BY tablename COLLATE "C"
