-- What the lottery needs to recompute a round's amounts.
SELECT sponsors, seed FROM {schema}.round WHERE round = %(round)s
