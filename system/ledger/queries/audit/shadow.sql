-- name: audit_lanes_apart
-- Every column that one lane's schema has and the other has not, or has another way: lane, table, column, type.
WITH held AS (
    SELECT n.nspname AS lane, c.relname AS name, a.attname AS field,
           format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS type
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('live', 'stress') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT min(lane::text), name, field, type FROM held GROUP BY name, field, type HAVING count(*) = 1
ORDER BY name, field, type

-- name: audit_may_post
-- Adds nothing. Fails where the role has no right to, and where nobody may write.
INSERT INTO {schema}.posting (uid, round, packet, fen, sponsor, front, award_us, batch)
SELECT uid, round, packet, fen, sponsor, front, award_us, batch FROM {schema}.posting WHERE false

-- name: audit_may_transfer
-- Adds nothing, as above: what moves money after the draw.
INSERT INTO {schema}.holding SELECT * FROM {schema}.holding WHERE false

-- name: audit_leaked
-- What credit met in this lane of the other: records whose money is held, and streams that an entry stopped.
SELECT (SELECT count(*) FROM {schema}.suspense WHERE reason = %(reason)s)
     + (SELECT count(*) FROM {schema}.stream WHERE stopped LIKE %(stopped)s)
