-- name: claim_seen
-- A share, whether its opening was taken back, and which of these users have a part of it, in one snapshot and without a
-- lock.
SELECT s.uid, s.key_id, s.settled_us IS NOT NULL,
       EXISTS (SELECT 1 FROM {schema}.transfer t JOIN {schema}.transfer r ON r.reverses = t.transfer
               WHERE t.key = 'share:' || s.award), c.uid, c.fen, c.at_us
FROM {schema}.share s LEFT JOIN {schema}.claim c ON c.award = s.award AND c.uid = ANY(%(uids)s::bigint[])
WHERE s.award = %(award)s

-- name: claim_lock_share
-- Whoever claims of a share, or pays it back, waits here until the one before has come to its end. Its owner, parts
-- left, whether it is settled, and whether its opening was taken back, as of the lock.
SELECT s.uid, cardinality(s.parts) - s.claimed, s.settled_us IS NOT NULL,
       EXISTS (SELECT 1 FROM {schema}.transfer t JOIN {schema}.transfer r ON r.reverses = t.transfer
               WHERE t.key = 'share:' || s.award)
FROM {schema}.share s WHERE s.award = %(award)s FOR UPDATE

-- name: claim_take
-- Under the lock: parts for those of these users who have none, in the order given, before the expiry and while there
-- are parts. Also who of them had one. The clock is read here: nobody claims after the expiry because he waited.
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us
), open AS (
    SELECT s.uid, s.parts, s.claimed, clock.us FROM {schema}.share s, clock
    WHERE s.award = %(award)s AND s.settled_us IS NULL AND clock.us < s.expires_us
), there AS (
    SELECT c.uid, c.fen, c.at_us FROM {schema}.claim c WHERE c.award = %(award)s AND c.uid = ANY(%(uids)s::bigint[])
), asked AS (
    SELECT a.uid, row_number() OVER (ORDER BY a.place) AS n
    FROM unnest(%(uids)s::bigint[]) WITH ORDINALITY AS a(uid, place), open
    WHERE a.uid <> open.uid AND NOT EXISTS (SELECT 1 FROM there WHERE there.uid = a.uid)
), taken AS (
    INSERT INTO {schema}.claim (award, uid, part, fen, at_us)
    SELECT %(award)s, asked.uid, open.claimed + asked.n, open.parts[open.claimed + asked.n], open.us FROM asked, open
    WHERE open.claimed + asked.n <= cardinality(open.parts)
    RETURNING uid, fen, at_us
)
SELECT uid, fen, at_us, true FROM there UNION ALL SELECT uid, fen, at_us, false FROM taken

-- name: claim_count
-- The last part settles the share.
UPDATE {schema}.share s SET claimed = s.claimed + %(claims)s,
       settled_us = CASE WHEN s.claimed + %(claims)s = cardinality(s.parts) THEN %(at_us)s::bigint END
WHERE s.award = %(award)s RETURNING s.settled_us IS NOT NULL
