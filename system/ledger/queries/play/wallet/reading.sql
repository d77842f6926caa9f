-- name: play_award
-- What became of an award a user was shown: the round's state and packets, the posting, what suspense holds of it and to
-- whom that was settled, and whether its packet is used up, by whomever (null: in no lease, so nobody can have been
-- shown it).
SELECT r.state, r.packets,
       (SELECT fen FROM {schema}.posting p WHERE p.uid = %(uid)s AND p.round = r.round AND p.packet = %(packet)s),
       (SELECT s.held_fen FROM {schema}.suspense s
        WHERE s.round = r.round AND s.uid = %(uid)s AND s.packet = %(packet)s AND s.held_fen > 0),
       (SELECT t.request ->> 'to' FROM {schema}.transfer t WHERE t.key = 'settle:' || r.round || '-' || %(packet)s::bigint),
       (SELECT get_bit(l.used, (%(packet)s - l.lo)::bigint) = 1 FROM {schema}.lease l
        WHERE l.round = r.round AND l.lo <= %(packet)s AND l.hi > %(packet)s ORDER BY l.lo DESC LIMIT 1)
FROM {schema}.round r WHERE r.round = %(round)s

-- name: statement
-- What moved a user's money, newest first: the first rows of each source behind the place that a page ended at. Credits
-- of the draw behind `award_us` and `round`; parts of transfers behind `transfer`, and what their order says it is for.
-- Round after round by the index, as `balances`.
WITH RECURSIVE posted(round) AS (
    (SELECT p.round FROM {schema}.posting p ORDER BY p.round LIMIT 1)
    UNION ALL
    SELECT (SELECT p.round FROM {schema}.posting p WHERE p.round > posted.round ORDER BY p.round LIMIT 1)
    FROM posted WHERE posted.round IS NOT NULL
)
(SELECT 'credit', p.fen, p.award_us,
        (SELECT b.committed_us FROM {schema}.batch b WHERE b.batch = p.batch),
        p.round, p.packet, p.sponsor, NULL::bigint, NULL::text
 FROM posted, LATERAL (SELECT * FROM {schema}.posting p
                       WHERE p.round = posted.round AND p.uid = %(uid)s::bigint OFFSET 0) p
 WHERE (p.award_us, p.round) < (%(award_us)s::bigint, %(round)s::int)
 ORDER BY p.award_us DESC, p.round DESC LIMIT %(limit)s)
UNION ALL
(SELECT t.kind, l.amount, t.at_us, t.at_us, NULL, NULL, NULL, l.transfer, t.request ->> 'what'
 FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer)
 WHERE l.account = 'user:' || %(uid)s::bigint AND l.currency = 'fen' AND l.transfer < %(transfer)s::bigint
 ORDER BY l.transfer DESC LIMIT %(limit)s)

-- name: play_bulk
-- Postings of many users at once.
SELECT uid, round, packet, fen FROM {schema}.posting
WHERE uid = ANY(%(uids)s) AND (%(round)s::int IS NULL OR round = %(round)s) ORDER BY uid, round, packet
