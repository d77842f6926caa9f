-- Every lease this front was ever granted that overlaps the packets of the batch, abandoned ones too.
SELECT epoch, number, lo, hi, used FROM {schema}.lease
WHERE round = %(round)s AND front = %(front)s AND lo <= %(last)s AND hi > %(first)s
ORDER BY lo
