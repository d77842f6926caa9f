-- Credit goes on behind the entry.
UPDATE {schema}.stream SET offset_epoch = %(epoch)s, offset_seq = %(seq)s, stopped = NULL
WHERE round = %(round)s AND front = %(front)s AND offset_epoch = %(old_epoch)s AND offset_seq = %(old_seq)s
