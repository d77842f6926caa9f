-- Step 4: the packets used, one bit each, in the leases they belong to.
UPDATE {schema}.lease l SET used = v.used
FROM unnest(%(epochs)s::bigint[], %(numbers)s::int[], %(bitmaps)s::bytea[]) AS v (epoch, number, used)
WHERE l.round = %(round)s AND l.front = %(front)s AND l.epoch = v.epoch AND l.number = v.number
