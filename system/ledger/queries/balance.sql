-- What a user has in this lane: fen and number of postings.
SELECT coalesce(sum(fen), 0), count(*) FROM {schema}.posting WHERE uid = %(uid)s
