-- Step 1 of a batch: moves the offset, only from where it was read and only in the epoch that was read.
-- Anything but one row: another worker was quicker, or what was read may be lost; read again.
UPDATE {schema}.stream SET offset_epoch = %(to_epoch)s, offset_seq = %(to_seq)s
WHERE round = %(round)s AND front = %(front)s
  AND offset_epoch = %(from_epoch)s AND offset_seq = %(from_seq)s AND granted = %(granted)s AND stopped IS NULL
