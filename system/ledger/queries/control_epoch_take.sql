-- The next epoch number of a stream, above every number the store knows; voids the confirmation of the close.
UPDATE {schema}.stream
SET epoch = greatest(epoch, %(known)s) + 1, confirmed_instance = NULL, confirmed_epoch = NULL, confirmed_seq = NULL
WHERE round = %(round)s AND front = %(front)s
RETURNING epoch, cell
