-- The round's row, held for the lease: first, so that no epoch changes between here and the commit.
SELECT state, packets, next_packet, release_ms FROM {schema}.round WHERE round = %(round)s FOR NO KEY UPDATE
