-- A record that cannot be believed; held_fen of held_sponsor is set aside for it.
INSERT INTO {schema}.suspense (batch, round, front, epoch, seq, place, packet, uid, fen, sponsor, award_us, held_fen,
                               held_sponsor, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
