-- Granted, only while it is the newest number taken. The caller holds the instance and the round.
UPDATE {schema}.stream SET granted = %(epoch)s
WHERE round = %(round)s AND front = %(front)s AND epoch = %(epoch)s
RETURNING granted
