-- Rounds of the lane as control holds them; of the closed ones those closed since.
SELECT round, state, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed, commitment, next_packet,
       created_us, closed_us
FROM {schema}.round WHERE state <> 'closed' OR closed_us >= %(since_us)s ORDER BY round
