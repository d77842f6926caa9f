-- What became of an award a user was shown: the round's state and packets, the posting, what suspense holds of it, and
-- whether its packet is used up, by whomever (null: in no lease, so nobody can have been shown it).
SELECT r.state, r.packets,
       (SELECT fen FROM {schema}.posting p WHERE p.uid = %(uid)s AND p.round = r.round AND p.packet = %(packet)s),
       EXISTS (SELECT 1 FROM {schema}.suspense s
               WHERE s.round = r.round AND s.uid = %(uid)s AND s.packet = %(packet)s),
       (SELECT get_bit(l.used, (%(packet)s - l.lo)::bigint) = 1 FROM {schema}.lease l
        WHERE l.round = r.round AND l.lo <= %(packet)s AND l.hi > %(packet)s ORDER BY l.lo DESC LIMIT 1)
FROM {schema}.round r WHERE r.round = %(round)s
