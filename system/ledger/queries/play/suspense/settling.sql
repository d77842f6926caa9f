-- name: suspense_lock
-- Held until the commit: settlements in the name of one user in one round come one after the other. A statement of its
-- own, so that the next one sees what those before have paid.
SELECT pg_advisory_xact_lock(hashtextextended('{schema} settling ' || s.round || ' ' || s.uid, 0))
FROM {schema}.suspense s WHERE s.round = %(round)s AND s.packet = %(packet)s AND s.held_fen > 0

-- name: suspense_held
-- What is held for a packet: the round's state, whose it would be and is, and another packet that this user was paid in
-- the round, by the draw or out of suspense. Nothing held: nulls. No row: no such round. (A packet's bit is free once,
-- so it is held once.)
SELECT r.state, s.uid, s.held_fen, s.held_sponsor, coalesce(
           (SELECT p.packet FROM {schema}.posting p WHERE p.round = r.round AND p.uid = s.uid LIMIT 1),
           (SELECT o.packet FROM {schema}.suspense o
            JOIN {schema}.transfer t ON t.key = 'settle:' || o.round || '-' || o.packet AND t.request ->> 'to' = 'user'
            WHERE o.round = s.round AND o.uid = s.uid AND o.packet <> s.packet AND o.held_fen > 0 LIMIT 1))
FROM {schema}.round r
LEFT JOIN {schema}.suspense s ON s.round = r.round AND s.packet = %(packet)s AND s.held_fen > 0
WHERE r.round = %(round)s

-- name: suspense_page
-- What is held of a round behind a packet, and to whom it went. Nothing there: one row of nulls. No row: no such round.
SELECT s.packet, s.uid, s.held_fen, s.held_sponsor, s.front, s.epoch, s.seq, s.reason, t.request ->> 'to'
FROM {schema}.round r
LEFT JOIN {schema}.suspense s ON s.round = r.round AND s.packet > %(after)s AND s.held_fen > 0
LEFT JOIN {schema}.transfer t ON t.key = 'settle:' || s.round || '-' || s.packet
WHERE r.round = %(round)s ORDER BY s.packet LIMIT %(limit)s
