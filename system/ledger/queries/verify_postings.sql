-- Every posting of a round.
SELECT packet, fen, sponsor, uid FROM {schema}.posting WHERE round = %(round)s
