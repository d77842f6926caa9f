-- name: control_lease_round
-- The round's row, held for the lease: first, so that no epoch changes between here and the commit.
SELECT state, packets, next_packet, release_ms FROM {schema}.round WHERE round = %(round)s FOR NO KEY UPDATE

-- name: control_lease_stream
-- What the lease depends on: the granted epoch, the highest lease number in it, the lease itself if it exists; the
-- packets of this front's leases, and whether some of them are of an older epoch.
SELECT s.granted, s.epoch,
       (SELECT coalesce(max(number), 0) FROM {schema}.lease l
        WHERE l.round = s.round AND l.front = s.front AND l.epoch = %(epoch)s),
       (SELECT ARRAY[l.lo, l.hi] FROM {schema}.lease l
        WHERE l.round = s.round AND l.front = s.front AND l.epoch = %(epoch)s AND l.number = %(number)s),
       (SELECT coalesce(sum(l.hi - l.lo), 0)::bigint FROM {schema}.lease l
        WHERE l.round = s.round AND l.front = s.front),
       EXISTS (SELECT FROM {schema}.lease l
               WHERE l.round = s.round AND l.front = s.front AND l.epoch < %(epoch)s)
FROM {schema}.stream s WHERE s.round = %(round)s AND s.front = %(front)s

-- name: control_lease_take
-- The next packets of the round; the row is held by the caller.
UPDATE {schema}.round SET next_packet = %(hi)s WHERE round = %(round)s AND next_packet = %(lo)s AND state = 'armed'
RETURNING next_packet

-- name: control_lease_insert
-- A lease with no packet used.
INSERT INTO {schema}.lease (round, front, epoch, number, lo, hi, used)
VALUES (%(round)s, %(front)s, %(epoch)s, %(number)s, %(lo)s, %(hi)s, %(used)s)
