-- The lease of this front a packet lies in.
SELECT lo, used FROM {schema}.lease
WHERE round = %(round)s AND front = %(front)s AND lo <= %(packet)s AND hi > %(packet)s FOR NO KEY UPDATE
