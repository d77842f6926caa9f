-- name: fission_round
-- A round, its sponsors as published, and what its shares are (null: not funded).
SELECT r.sponsors, f.share_fen, f.parts, f.lifetime_s, f.open_s
FROM {schema}.round r LEFT JOIN {schema}.fission f USING (round) WHERE r.round = %(round)s

-- name: fission_fix_terms
-- The first funding says what the shares of a round are.
INSERT INTO {schema}.fission (round, share_fen, parts, lifetime_s, open_s)
VALUES (%(round)s, %(share_fen)s, %(parts)s, %(lifetime_s)s, %(open_s)s) ON CONFLICT DO NOTHING

-- name: fission_terms
-- What the shares of a round are.
SELECT share_fen, parts, lifetime_s, open_s FROM {schema}.fission WHERE round = %(round)s

-- name: fission_hold
-- Whoever pays for shares of a round or opens one shares this lock; what returns the round's money has it alone.
SELECT pg_advisory_xact_lock_shared(hashtextextended('{schema} fission:' || %(round)s::int, 0))

-- name: fission_clock
-- PostgreSQL's clock in microseconds, and when the last share of a round can be opened (null: the round is not closed).
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
       CASE WHEN r.state = 'closed' THEN r.closed_us + f.open_s * 1000000::bigint END
FROM {schema}.fission f JOIN {schema}.round r USING (round) WHERE f.round = %(round)s

-- name: fission_books
-- Where a round's fission money is: paid in (and not taken back), not in a share, returned; then shares, settled ones,
-- those whose opening was taken back, claims, and what was claimed.
SELECT (SELECT coalesce(sum(l.amount), 0) FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer)
        LEFT JOIN {schema}.transfer o ON o.transfer = t.reverses
        WHERE l.account = 'fission:' || %(round)s::int AND coalesce(o.kind, t.kind) = 'fission'),
       coalesce((SELECT amount FROM {schema}.holding
                 WHERE account = 'fission:' || %(round)s::int AND currency = 'fen'), 0),
       (SELECT coalesce(-sum(amount), 0)::bigint FROM {schema}.leg JOIN {schema}.transfer USING (transfer)
        WHERE account = 'fission:' || %(round)s::int AND kind = 'return'),
       count(*), count(s.settled_us), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM {schema}.transfer t JOIN {schema}.transfer r ON r.reverses = t.transfer
               WHERE t.key = 'share:' || s.award)), coalesce(sum(s.claimed), 0),
       coalesce(sum((SELECT sum(c.fen) FROM {schema}.claim c WHERE c.award = s.award)), 0)
FROM {schema}.share s WHERE s.round = %(round)s::int

-- name: share_open
-- Made once for an award; whoever makes it at the same time waits, and then makes none.
INSERT INTO {schema}.share (award, round, uid, parts, key_id, opened_us, expires_us)
VALUES (%(award)s, %(round)s, %(uid)s, %(parts)s, %(key_id)s, %(opened_us)s, %(expires_us)s) ON CONFLICT DO NOTHING

-- name: share_view
-- A share as people see it.
SELECT s.uid, s.key_id, s.parts, s.claimed, s.opened_us, s.expires_us, s.settled_us IS NOT NULL,
       EXISTS (SELECT 1 FROM {schema}.transfer t JOIN {schema}.transfer r ON r.reverses = t.transfer
               WHERE t.key = 'share:' || s.award)
FROM {schema}.share s WHERE s.award = %(award)s

-- name: share_claims
-- Who has a part of a share, in the order of the claims.
SELECT uid, fen, at_us FROM {schema}.claim WHERE award = %(award)s ORDER BY part
