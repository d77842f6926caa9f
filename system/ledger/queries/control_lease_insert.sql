-- A lease with no packet used.
INSERT INTO {schema}.lease (round, front, epoch, number, lo, hi, used)
VALUES (%(round)s, %(front)s, %(epoch)s, %(number)s, %(lo)s, %(hi)s, %(used)s)
