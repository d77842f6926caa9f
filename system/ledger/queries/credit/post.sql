-- name: credit_advance
-- Step 1 of a batch: moves the offset, only from where it was read and only in the epoch that was read.
-- Anything but one row: another worker was quicker, or what was read may be lost; read again.
UPDATE {schema}.stream SET offset_epoch = %(to_epoch)s, offset_seq = %(to_seq)s
WHERE round = %(round)s AND front = %(front)s
  AND offset_epoch = %(from_epoch)s AND offset_seq = %(from_seq)s AND granted = %(granted)s AND stopped IS NULL

-- name: credit_round
-- Step 2: keeps the close out until the commit (it takes the row FOR UPDATE), but not the leases (they update other columns).
SELECT state FROM {schema}.round WHERE round = %(round)s FOR KEY SHARE

-- name: credit_copy
-- Step 3: the postings of the batch, in binary (`ledger/binary.py`).
COPY {schema}.posting (uid, round, packet, fen, sponsor, front, award_us, batch) FROM STDIN (FORMAT binary)

-- name: credit_stop
-- Stops a stream where it stands, with the reason; only if nothing moved since it was read.
UPDATE {schema}.stream SET stopped = %(reason)s
WHERE round = %(round)s AND front = %(front)s
  AND offset_epoch = %(from_epoch)s AND offset_seq = %(from_seq)s AND granted = %(granted)s AND stopped IS NULL

-- name: credit_leases
-- Every lease this front was ever granted that overlaps the packets of the batch, abandoned ones too.
SELECT epoch, number, lo, hi, used FROM {schema}.lease
WHERE round = %(round)s AND front = %(front)s AND lo <= %(last)s AND hi > %(first)s
ORDER BY lo

-- name: credit_holders
-- Who already has these packets, as far as it is one of these users: their postings, and what is held for them.
SELECT packet, uid FROM {schema}.posting WHERE uid = ANY(%(uids)s) AND round = %(round)s AND packet = ANY(%(packets)s)
UNION ALL
SELECT packet, uid FROM {schema}.suspense
WHERE round = %(round)s AND packet = ANY(%(packets)s) AND uid = ANY(%(uids)s) AND held_fen > 0

-- name: credit_bitmaps
-- Step 4: the packets used, one bit each, in the leases they belong to.
UPDATE {schema}.lease l SET used = v.used
FROM unnest(%(epochs)s::bigint[], %(numbers)s::int[], %(bitmaps)s::bytea[]) AS v (epoch, number, used)
WHERE l.round = %(round)s AND l.front = %(front)s AND l.epoch = v.epoch AND l.number = v.number

-- name: credit_suspense
-- A record that cannot be believed; held_fen of held_sponsor is set aside for it.
INSERT INTO {schema}.suspense (batch, round, front, epoch, seq, place, packet, uid, fen, sponsor, award_us, held_fen,
                               held_sponsor, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: credit_duplicate
-- A record met again: same packet, same user. Ignored, and counted.
INSERT INTO {schema}.duplicate (batch, round, front, packet, uid) VALUES (%s, %s, %s, %s, %s)
