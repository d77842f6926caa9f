-- name: batch_insert
-- A batch; answers its number. The foreign key keeps the round's row FOR KEY SHARE until the commit.
INSERT INTO {schema}.batch (kind, round, front, from_epoch, from_seq, to_epoch, to_seq, postings, fen, committed_us)
VALUES (%(kind)s, %(round)s, %(front)s, %(from_epoch)s, %(from_seq)s, %(to_epoch)s, %(to_seq)s, %(postings)s, %(fen)s,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
RETURNING batch

-- name: entry_insert
-- One leg on a sponsor's account: positive into it, negative out of it. Legs of nothing are left out.
INSERT INTO {schema}.entry (batch, account, fen) VALUES (%(batch)s, %(account)s, %(fen)s)

-- name: round_lottery
-- What the lottery needs to recompute a round's amounts.
SELECT sponsors, seed FROM {schema}.round WHERE round = %(round)s
