-- A record of an entry set aside by hand.
INSERT INTO {schema}.suspense (batch, round, front, epoch, seq, place, packet, uid, fen, sponsor, award_us, held_fen,
                               held_sponsor, reason)
VALUES (%(batch)s, %(round)s, %(front)s, %(epoch)s, %(seq)s, %(place)s, %(packet)s, %(uid)s, %(fen)s, %(sponsor)s,
        %(time_us)s, %(held_fen)s, %(held_sponsor)s, %(reason)s)
