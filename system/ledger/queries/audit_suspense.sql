SELECT batch, front, epoch, seq, place, packet, uid, fen, sponsor, award_us, held_fen, held_sponsor, reason
FROM {schema}.suspense WHERE round = %(round)s ORDER BY batch, epoch, seq, place
