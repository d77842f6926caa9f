-- Every record whose money is held.
SELECT packet, held_fen, held_sponsor, uid FROM {schema}.suspense WHERE round = %(round)s AND held_fen > 0
