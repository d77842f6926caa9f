-- Stops a stream where it stands, with the reason; only if nothing moved since it was read.
UPDATE {schema}.stream SET stopped = %(reason)s
WHERE round = %(round)s AND front = %(front)s
  AND offset_epoch = %(from_epoch)s AND offset_seq = %(from_seq)s AND granted = %(granted)s AND stopped IS NULL
