-- Who already has these packets, as far as it is one of these users: their postings, and what is held for them.
SELECT packet, uid FROM {schema}.posting WHERE uid = ANY(%(uids)s) AND round = %(round)s AND packet = ANY(%(packets)s)
UNION ALL
SELECT packet, uid FROM {schema}.suspense
WHERE round = %(round)s AND packet = ANY(%(packets)s) AND uid = ANY(%(uids)s) AND held_fen > 0
