-- What the ledger holds of one front's stream: postings, then suspense records that this front can have logged.
SELECT packet, uid, fen, sponsor, award_us, false AS suspended FROM {schema}.posting
WHERE round = %(round)s AND front = %(front)s
UNION ALL
SELECT packet, uid, fen, sponsor, award_us, true FROM {schema}.suspense
WHERE round = %(round)s AND front = %(front)s
ORDER BY suspended
