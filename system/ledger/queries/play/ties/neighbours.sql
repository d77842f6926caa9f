-- name: ties_neighbours
-- (user, friends) of each user asked for: at most `limit` friends with larger uids, and as many with smaller ones.
SELECT u.uid, ARRAY(SELECT hi FROM {schema}.tie WHERE lo = u.uid ORDER BY hi LIMIT %(limit)s)
              || ARRAY(SELECT lo FROM {schema}.tie WHERE hi = u.uid LIMIT %(limit)s)
FROM unnest(%(uids)s::bigint[]) AS u(uid)
