-- A record met again: same packet, same user. Ignored, and counted.
INSERT INTO {schema}.duplicate (batch, round, front, packet, uid) VALUES (%s, %s, %s, %s, %s)
