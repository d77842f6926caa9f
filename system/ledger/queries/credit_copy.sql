COPY {schema}.posting (uid, round, packet, fen, sponsor, front, award_us, batch) FROM STDIN (FORMAT binary)
