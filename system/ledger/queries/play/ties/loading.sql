-- name: ties_load_hold
-- Nobody else reads or writes ties until the load is committed or undone.
LOCK TABLE {schema}.tie IN ACCESS EXCLUSIVE MODE

-- name: ties_load_any
-- Is there a tie?
SELECT EXISTS (SELECT 1 FROM {schema}.tie)

-- name: ties_load_bare
-- Without its indexes a table takes rows several times as fast.
ALTER TABLE {schema}.tie DROP CONSTRAINT tie_pkey

-- name: ties_load_no_hi
-- The other index.
DROP INDEX {schema}.tie_hi

-- name: ties_load_copy
-- The rows, binary.
COPY {schema}.tie (lo, hi, made_us, made_by, mutual, through, book) FROM STDIN (FORMAT binary)

-- name: ties_load_memory
-- For the sorts of the two indexes, in this transaction.
SELECT set_config('maintenance_work_mem', '512MB', true)

-- name: ties_load_key
-- A tie once: checked for all rows as the index is made.
ALTER TABLE {schema}.tie ADD CONSTRAINT tie_pkey PRIMARY KEY (lo, hi)

-- name: ties_load_hi
-- As the migration has it.
CREATE INDEX tie_hi ON {schema}.tie (hi)

-- name: ties_load_growth
-- The ties made.
INSERT INTO {schema}.tie_growth AS g (through, backend, ties) VALUES (0, pg_backend_pid(), %(ties)s)
ON CONFLICT (through, backend) DO UPDATE SET ties = g.ties + excluded.ties
