-- name: ties_lock_pair
-- Two users who ask each other at the same moment: the second waits, and sees the first.
SELECT pg_advisory_xact_lock(hashtextextended('{schema} tie ' || %(lo)s::text || ' ' || %(hi)s::text, 0))

-- name: ties_ask
-- Notes who asked whom, once; the time is PostgreSQL's clock under the lock.
INSERT INTO {schema}.tie_request (to_uid, from_uid, at_us)
VALUES (%(friend)s, %(uid)s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
ON CONFLICT DO NOTHING

-- name: ties_asked
-- (who, when) of the requests between two users, the first one first.
SELECT from_uid, at_us FROM {schema}.tie_request
WHERE (to_uid, from_uid) IN ((%(lo)s, %(hi)s), (%(hi)s, %(lo)s)) ORDER BY at_us, from_uid

-- name: ties_note_book
-- Who asked for the other has him in the address book: a bit for each side. No row where there is no tie.
UPDATE {schema}.tie SET book = book | %(bits)s::smallint WHERE (lo, hi) = (%(lo)s, %(hi)s) RETURNING book

-- name: ties_note_mutual
-- Friends in common of two users, counted now.
UPDATE {schema}.tie SET mutual = %(mutual)s WHERE (lo, hi) = (%(lo)s, %(hi)s)
