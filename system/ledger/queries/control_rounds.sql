-- Every round of the lane as control holds it.
SELECT round, state, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed, commitment, next_packet,
       created_us, closed_us
FROM {schema}.round ORDER BY round
