-- What became of an award a user was shown: the round's state, the posting, and what suspense holds of it.
SELECT r.state,
       (SELECT fen FROM {schema}.posting p WHERE p.uid = %(uid)s AND p.round = r.round AND p.packet = %(packet)s),
       EXISTS (SELECT 1 FROM {schema}.suspense s
               WHERE s.round = r.round AND s.uid = %(uid)s AND s.packet = %(packet)s)
FROM {schema}.round r WHERE r.round = %(round)s
