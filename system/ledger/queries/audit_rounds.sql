SELECT round, state, packets, budget_fen, start_us, end_us, next_packet, sponsors, seed, commitment
FROM {schema}.round ORDER BY round
