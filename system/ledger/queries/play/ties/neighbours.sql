-- name: ties_neighbours
-- (user, friends) of each user asked for: at most `limit` friends with larger uids, and as many with smaller ones.
SELECT u.uid, ARRAY(WITH mine AS MATERIALIZED (SELECT hi FROM {schema}.tie WHERE lo = u.uid)
                     SELECT hi FROM mine LIMIT %(limit)s)
              || ARRAY(WITH mine AS MATERIALIZED (SELECT lo FROM {schema}.tie WHERE hi = u.uid)
                       SELECT lo FROM mine LIMIT %(limit)s)
FROM unnest(%(uids)s::bigint[]) AS u(uid)
