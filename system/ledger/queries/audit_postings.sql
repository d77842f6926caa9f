COPY (SELECT uid, round, packet, fen, sponsor, front, award_us, batch FROM {schema}.posting WHERE round = %(round)s)
TO STDOUT (FORMAT binary)
