-- name: control_aside_lock
-- Where credit stopped, held until the commit.
SELECT offset_epoch, offset_seq, stopped FROM {schema}.stream
WHERE round = %(round)s AND front = %(front)s FOR NO KEY UPDATE

-- name: control_aside_round
-- The round does not close meanwhile; leases and epochs go on.
SELECT state FROM {schema}.round WHERE round = %(round)s FOR KEY SHARE

-- name: control_aside_lease
-- The lease of this front a packet lies in.
SELECT lo, used FROM {schema}.lease
WHERE round = %(round)s AND front = %(front)s AND lo <= %(packet)s AND hi > %(packet)s FOR NO KEY UPDATE

-- name: control_aside_used
-- The packet is used: its money is held.
UPDATE {schema}.lease SET used = %(used)s WHERE round = %(round)s AND front = %(front)s AND lo = %(lo)s

-- name: control_aside_insert
-- A record of an entry set aside by hand.
INSERT INTO {schema}.suspense (batch, round, front, epoch, seq, place, packet, uid, fen, sponsor, award_us, held_fen,
                               held_sponsor, reason)
VALUES (%(batch)s, %(round)s, %(front)s, %(epoch)s, %(seq)s, %(place)s, %(packet)s, %(uid)s, %(fen)s, %(sponsor)s,
        %(time_us)s, %(held_fen)s, %(held_sponsor)s, %(reason)s)

-- name: control_aside_offset
-- Credit goes on behind the entry.
UPDATE {schema}.stream SET offset_epoch = %(epoch)s, offset_seq = %(seq)s, stopped = NULL
WHERE round = %(round)s AND front = %(front)s AND offset_epoch = %(old_epoch)s AND offset_seq = %(old_seq)s
