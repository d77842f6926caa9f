-- What the lease depends on: the granted epoch, the highest lease number in it, and the lease itself if it exists.
SELECT s.granted, s.epoch,
       (SELECT coalesce(max(number), 0) FROM {schema}.lease l
        WHERE l.round = s.round AND l.front = s.front AND l.epoch = %(epoch)s),
       (SELECT ARRAY[l.lo, l.hi] FROM {schema}.lease l
        WHERE l.round = s.round AND l.front = s.front AND l.epoch = %(epoch)s AND l.number = %(number)s)
FROM {schema}.stream s WHERE s.round = %(round)s AND s.front = %(front)s
