-- One leg on a sponsor's account: positive into it, negative out of it. Legs of nothing are left out.
INSERT INTO {schema}.entry (batch, account, fen) VALUES (%(batch)s, %(account)s, %(fen)s)
