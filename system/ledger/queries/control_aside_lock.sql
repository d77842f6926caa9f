-- Where credit stopped, held until the commit.
SELECT offset_epoch, offset_seq, stopped FROM {schema}.stream
WHERE round = %(round)s AND front = %(front)s FOR NO KEY UPDATE
