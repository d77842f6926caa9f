-- name: control_round_share
-- State of a round, held until the commit: neither closes nor leases meanwhile. Credit is not kept out.
SELECT state FROM {schema}.round WHERE round = %(round)s FOR SHARE

-- name: control_epoch_take
-- The next epoch number of a stream, above every number the store knows; voids the confirmation of the close.
UPDATE {schema}.stream
SET epoch = greatest(epoch, %(known)s) + 1, confirmed_instance = NULL, confirmed_epoch = NULL, confirmed_seq = NULL
WHERE round = %(round)s AND front = %(front)s
RETURNING epoch, cell

-- name: control_epoch_abandon
-- Leases of older epochs are never issued again, and never awarded from again.
UPDATE {schema}.lease SET abandoned = true
WHERE round = %(round)s AND front = %(front)s AND epoch < %(epoch)s AND NOT abandoned

-- name: control_epoch_grant
-- Granted, only while it is the newest number taken. The caller holds the instance and the round.
UPDATE {schema}.stream SET granted = %(epoch)s
WHERE round = %(round)s AND front = %(front)s AND epoch = %(epoch)s
RETURNING granted
