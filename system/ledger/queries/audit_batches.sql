SELECT batch, kind, front, from_epoch, from_seq, to_epoch, to_seq, postings, fen, committed_us
FROM {schema}.batch WHERE round = %(round)s ORDER BY batch
