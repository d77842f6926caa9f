-- The front has settled: it awards no more under this epoch, and its stream ends here.
UPDATE {schema}.stream
SET confirmed_instance = %(instance)s, confirmed_epoch = %(epoch)s, confirmed_seq = %(sequence)s
WHERE round = %(round)s AND front = %(front)s
