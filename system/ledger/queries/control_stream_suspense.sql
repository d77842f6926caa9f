-- What the ledger holds of one front's stream in {schema}.suspense: five big-endian numbers of 8 bytes a row, in one value.
SELECT string_agg(int8send(packet) || int8send(uid) || int8send(fen) || int8send(sponsor) || int8send(award_us),
                  ''::bytea)
FROM {schema}.suspense WHERE round = %(round)s AND front = %(front)s
