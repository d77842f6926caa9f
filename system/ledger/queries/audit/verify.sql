-- name: verify_round
-- What a closed round is proven from.
SELECT state, packets, budget_fen, sponsors, seed, commitment FROM {schema}.round WHERE round = %(round)s

-- name: verify_postings
-- Every posting of a round.
SELECT packet, fen, sponsor, uid FROM {schema}.posting WHERE round = %(round)s

-- name: verify_held
-- Every record whose money is held.
SELECT packet, held_fen, held_sponsor, uid FROM {schema}.suspense WHERE round = %(round)s AND held_fen > 0
