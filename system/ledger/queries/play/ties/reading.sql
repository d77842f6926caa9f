-- name: ties_of_user
-- The ties of a user, as scores need them, at most `limit`. Found by both indexes first and cut then: a planner that does
-- not know the table yet would read it whole, in the hope of so many rows.
WITH mine AS MATERIALIZED (
    SELECT lo, hi, through, book, mutual, weights FROM {schema}.tie WHERE lo = %(uid)s::bigint
    UNION ALL
    SELECT lo, hi, through, book, mutual, weights FROM {schema}.tie WHERE hi = %(uid)s::bigint
)
SELECT lo, hi, through, book, mutual, weights FROM mine LIMIT %(limit)s

-- name: ties_of_pair
-- The tie of two users.
SELECT lo, hi, through, book, mutual, weights FROM {schema}.tie WHERE (lo, hi) = (%(lo)s, %(hi)s)

-- name: ties_page
-- Friends of a user beyond a uid, in the order of their uids. Found first and sorted then: in the order of the key, all
-- ties with a larger uid would be read for those that this user has with smaller ones.
WITH mine AS MATERIALIZED (
    SELECT hi AS friend, made_us, made_by, through, book FROM {schema}.tie WHERE lo = %(uid)s::bigint
    UNION ALL
    SELECT lo, made_us, made_by, through, book FROM {schema}.tie WHERE hi = %(uid)s::bigint
)
SELECT friend, made_us, made_by, through, book FROM mine WHERE friend > %(after)s ORDER BY friend LIMIT %(limit)s

-- name: ties_requests
-- Who asked this user and was not asked back, the latest first.
SELECT r.from_uid, r.at_us FROM {schema}.tie_request r
WHERE r.to_uid = %(uid)s AND NOT EXISTS (SELECT 1 FROM {schema}.tie_request b
                                         WHERE (b.to_uid, b.from_uid) = (r.from_uid, r.to_uid))
ORDER BY r.at_us DESC, r.from_uid LIMIT %(limit)s

-- name: ties_growth
-- Ties made, by what made them.
SELECT through, sum(ties)::bigint FROM {schema}.tie_growth GROUP BY through ORDER BY through

-- name: ties_forecast
-- What the last programme that forecasts ties says: its name, how many were expected, how many were gained in 2016.
SELECT programme, (request -> 'ties' ->> 'expected')::bigint, (request -> 'ties' ->> 'gained')::bigint
FROM {schema}.programme WHERE request -> 'ties' ->> 'expected' IS NOT NULL ORDER BY loaded_us DESC, programme LIMIT 1

-- name: ties_days
-- The last two snapshots that are finished, the latest first.
SELECT day, ties, jump_max, jump_uid, makers FROM {schema}.strength_day WHERE done ORDER BY day DESC LIMIT 2
