-- name: suspense_held
-- What is held for a packet: the round's state, whose it would be and is, and another packet that this user was paid in
-- the round. Nothing held: nulls. No row: no such round. (A packet's bit is free once, so it is held once.)
SELECT r.state, s.uid, s.held_fen, s.held_sponsor,
       (SELECT p.packet FROM {schema}.posting p WHERE p.round = r.round AND p.uid = s.uid LIMIT 1)
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
