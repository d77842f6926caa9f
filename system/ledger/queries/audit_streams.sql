SELECT front, cell, epoch, granted, offset_epoch, offset_seq, stopped, confirmed_epoch, confirmed_seq
FROM {schema}.stream WHERE round = %(round)s ORDER BY front
