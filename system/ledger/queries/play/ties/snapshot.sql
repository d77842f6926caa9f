-- name: strength_due
-- The last day that is over by PostgreSQL's clock (days since 1970), and whether its snapshot is finished.
SELECT d.day, EXISTS (SELECT 1 FROM {schema}.strength_day s WHERE s.day = d.day AND s.done)
FROM (SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::integer - 1 AS day) d

-- name: strength_begin
-- The day's row, empty.
INSERT INTO {schema}.strength_day (day, ties) VALUES (%(day)s, %(ties)s) ON CONFLICT DO NOTHING

-- name: strength_lock
-- Where the day's snapshot goes on; no row where it is finished, or another process has it.
SELECT next_lo, next_hi, ties FROM {schema}.strength_day WHERE day = %(day)s AND NOT done FOR UPDATE SKIP LOCKED

-- name: strength_ties
-- The next ties behind a place, in their order, of those made until the day's end.
SELECT lo, hi, made_by, book, weights FROM {schema}.tie
WHERE (lo, hi) > (%(lo)s, %(hi)s) AND made_us < %(end_us)s ORDER BY lo, hi LIMIT %(limit)s

-- name: strength_mutual
-- Friends in common as counted now, where they changed; ties are locked in their order.
WITH asked AS (
    SELECT * FROM unnest(%(los)s::bigint[], %(his)s::bigint[], %(mutual)s::integer[]) AS a(lo, hi, mutual)
), held AS (
    SELECT t.lo, t.hi, a.mutual FROM {schema}.tie t JOIN asked a USING (lo, hi) WHERE t.mutual <> a.mutual
    ORDER BY t.lo, t.hi FOR UPDATE OF t
)
UPDATE {schema}.tie t SET mutual = held.mutual FROM held WHERE (t.lo, t.hi) = (held.lo, held.hi)

-- name: strength_users
-- Adds to what each user's ties are worth that day; what stood there of another day is kept as the day before.
INSERT INTO {schema}.strength_user AS u (uid, day, strength, made)
SELECT a.uid, %(day)s, a.strength, a.made
FROM unnest(%(uids)s::bigint[], %(strengths)s::float8[], %(made)s::integer[]) AS a(uid, strength, made) ORDER BY a.uid
ON CONFLICT (uid) DO UPDATE SET
    strength = excluded.strength + CASE WHEN u.day = excluded.day THEN u.strength ELSE 0 END,
    made = excluded.made + CASE WHEN u.day = excluded.day THEN u.made ELSE 0 END,
    before_day = CASE WHEN u.day = excluded.day THEN u.before_day ELSE u.day END,
    before = CASE WHEN u.day = excluded.day THEN u.before ELSE u.strength END,
    day = excluded.day

-- name: strength_go_on
-- The batch is in; here the next one begins.
UPDATE {schema}.strength_day SET next_lo = %(lo)s, next_hi = %(hi)s, ties = %(ties)s WHERE day = %(day)s

-- name: strength_finish
-- The last batch is in: the largest rise of one user, if the day before was finished too, and who made the most ties.
UPDATE {schema}.strength_day d SET
    done = true,
    (jump_max, jump_uid) = (
        SELECT u.strength - CASE WHEN u.before_day = u.day - 1 THEN u.before ELSE 0 END AS rise, u.uid
        FROM {schema}.strength_user u
        WHERE u.day = d.day AND EXISTS (SELECT 1 FROM {schema}.strength_day b WHERE b.day = d.day - 1 AND b.done)
        ORDER BY rise DESC, u.uid LIMIT 1
    ),
    makers = (
        SELECT jsonb_agg(jsonb_build_array(t.uid, t.made) ORDER BY t.made DESC, t.uid)
        FROM (SELECT uid, made FROM {schema}.strength_user WHERE day = d.day AND made > 0
              ORDER BY made DESC, uid LIMIT 20) t
    )
WHERE d.day = %(day)s
