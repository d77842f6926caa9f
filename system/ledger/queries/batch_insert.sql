-- A batch; answers its number. The foreign key keeps the round's row FOR KEY SHARE until the commit.
INSERT INTO {schema}.batch (kind, round, front, from_epoch, from_seq, to_epoch, to_seq, postings, fen, committed_us)
VALUES (%(kind)s, %(round)s, %(front)s, %(from_epoch)s, %(from_seq)s, %(to_epoch)s, %(to_seq)s, %(postings)s, %(fen)s,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
RETURNING batch
