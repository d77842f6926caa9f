-- The stream's row for the confirmation.
SELECT granted, epoch, confirmed_epoch, confirmed_seq FROM {schema}.stream
WHERE round = %(round)s AND front = %(front)s FOR NO KEY UPDATE
