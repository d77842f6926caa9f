-- What a closed round is proven from.
SELECT state, packets, budget_fen, sponsors, seed, commitment FROM {schema}.round WHERE round = %(round)s
