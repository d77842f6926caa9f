-- A round, armed.
INSERT INTO {schema}.round (round, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed, commitment, created_us)
VALUES (%(round)s, %(packets)s, %(budget_fen)s, %(start_us)s, %(end_us)s, %(release_ms)s, %(sponsors)s, %(seed)s,
        %(commitment)s, %(created_us)s)
