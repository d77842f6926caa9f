-- name: ties_staging
-- Where pairs wait for their INSERT: of this session alone, empty after each COMMIT.
CREATE TEMPORARY TABLE IF NOT EXISTS tie_staging (lo bigint NOT NULL, hi bigint NOT NULL, book smallint NOT NULL)
ON COMMIT DELETE ROWS

-- name: ties_copy
-- Into the staging table, binary.
COPY pg_temp.tie_staging (lo, hi, book) FROM STDIN (FORMAT binary)

-- name: ties_import
-- Pairs that are no tie yet become one, in the order of the locks; of the others the address book is noted. Answers how
-- many were made.
WITH tied AS (
    INSERT INTO {schema}.tie AS t (lo, hi, made_us, made_by, through, book)
    SELECT lo, hi, coalesce(%(at_us)s::bigint, (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)),
           CASE WHEN book = 2 THEN hi ELSE lo END, 0, book FROM pg_temp.tie_staging
    ON CONFLICT (lo, hi) DO UPDATE SET book = t.book | excluded.book WHERE t.book <> t.book | excluded.book
    RETURNING t.xmax = 0 AS made
), grown AS (
    INSERT INTO {schema}.tie_growth AS g (through, backend, ties)
    SELECT 0, pg_backend_pid(), count(*) FROM tied WHERE made HAVING count(*) > 0
    ON CONFLICT (through, backend) DO UPDATE SET ties = g.ties + excluded.ties
)
SELECT count(*) FROM tied WHERE made
