-- Postings of many users at once.
SELECT uid, round, packet, fen FROM {schema}.posting
WHERE uid = ANY(%(uids)s) AND (%(round)s::int IS NULL OR round = %(round)s) ORDER BY uid, round, packet
