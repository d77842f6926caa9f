-- name: version_shape
-- What the ledger's version shows of itself to a role that may not read it: (may it be read, has a switch a lane).
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
       EXISTS (SELECT 1 FROM pg_catalog.pg_class s JOIN pg_catalog.pg_attribute a ON a.attrelid = s.oid
               WHERE s.relnamespace = n.oid AND s.relname = 'switch' AND a.attname = 'lane')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'control' AND c.relname = 'migration'

-- name: version_taken
-- The newest migration that was taken.
SELECT number, name FROM control.migration ORDER BY number DESC LIMIT 1
