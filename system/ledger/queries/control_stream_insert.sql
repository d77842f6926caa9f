-- The stream of one front in a round.
INSERT INTO {schema}.stream (round, front, cell) VALUES (%(round)s, %(front)s, %(cell)s)
