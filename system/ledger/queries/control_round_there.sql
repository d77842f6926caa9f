-- Whether there is such a round.
SELECT 1 FROM {schema}.round WHERE round = %(round)s
