-- Packets of a round that the ledger knows to be awarded.
SELECT packet FROM {schema}.posting WHERE round = %(round)s
UNION ALL
SELECT packet FROM {schema}.suspense WHERE round = %(round)s AND held_fen > 0
