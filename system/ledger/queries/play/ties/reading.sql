-- name: ties_of_user
-- The ties of a user, as scores need them: at most `limit` with larger uids, and as many with smaller ones.
(SELECT lo, hi, through, book, mutual, weights FROM {schema}.tie WHERE lo = %(uid)s LIMIT %(limit)s)
UNION ALL
(SELECT lo, hi, through, book, mutual, weights FROM {schema}.tie WHERE hi = %(uid)s LIMIT %(limit)s)

-- name: ties_of_pair
-- The tie of two users.
SELECT lo, hi, through, book, mutual, weights FROM {schema}.tie WHERE (lo, hi) = (%(lo)s, %(hi)s)

-- name: ties_page
-- Friends of a user beyond a uid, in the order of their uids.
(SELECT hi AS friend, made_us, made_by, through, book FROM {schema}.tie
 WHERE lo = %(uid)s AND hi > %(after)s ORDER BY hi LIMIT %(limit)s)
UNION ALL
(SELECT lo, made_us, made_by, through, book FROM {schema}.tie
 WHERE hi = %(uid)s AND lo > %(after)s ORDER BY lo LIMIT %(limit)s)
ORDER BY friend LIMIT %(limit)s

-- name: ties_requests
-- Who asked this user and was not asked back, the latest first.
SELECT r.from_uid, r.at_us FROM {schema}.tie_request r
WHERE r.to_uid = %(uid)s AND NOT EXISTS (SELECT 1 FROM {schema}.tie_request b
                                         WHERE (b.to_uid, b.from_uid) = (r.from_uid, r.to_uid))
ORDER BY r.at_us DESC, r.from_uid LIMIT %(limit)s

-- name: ties_growth
-- Ties made, by what made them.
SELECT through, sum(ties)::bigint FROM {schema}.tie_growth GROUP BY through ORDER BY through

-- name: ties_days
-- The last two snapshots that are finished, the latest first.
SELECT day, ties, jump_max, jump_uid, makers FROM {schema}.strength_day WHERE done ORDER BY day DESC LIMIT 2
