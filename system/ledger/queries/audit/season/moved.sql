-- name: season_moved
-- What there is to look at: transfers, legs, and transfers that reverse another.
SELECT (SELECT count(*) FROM {schema}.transfer), (SELECT count(*) FROM {schema}.leg),
       (SELECT count(*) FROM {schema}.transfer WHERE reverses IS NOT NULL)

-- name: season_unbalanced
-- Transfers whose legs do not add up to 0 of a currency, or that have none (currency null): how many, the fen off of
-- all, and the first. No row where there is none.
WITH wrong AS (
    SELECT transfer, currency, sum(amount) AS amount FROM {schema}.leg
    GROUP BY transfer, currency HAVING sum(amount) <> 0
    UNION ALL
    SELECT t.transfer, NULL, 0 FROM {schema}.transfer t
    WHERE NOT EXISTS (SELECT 1 FROM {schema}.leg l WHERE l.transfer = t.transfer)
)
SELECT count(*) OVER (), coalesce(sum(abs(w.amount)) FILTER (WHERE w.currency = 'fen') OVER (), 0),
       w.transfer, t.key, w.currency, w.amount
FROM wrong w LEFT JOIN {schema}.transfer t USING (transfer) ORDER BY w.transfer, w.currency LIMIT 1

-- name: season_accounts
-- Of every account with a holding, or with a floor and legs: `all`, how many; `legs`, the holdings that are not the
-- sum of their legs; `under`, those under their floor, by holding or by legs (a user's fen: what credit posted counts).
-- For each: how many, the fen off of all, and the first.
WITH moved AS (
    SELECT account, currency, sum(amount) AS amount FROM {schema}.leg GROUP BY account, currency
), both_sides AS (
    SELECT account, currency, h.amount AS held, coalesce(m.amount, 0) AS moved,
           account ~ '^(sponsor|platform|mint|suspense):' AS free
    FROM {schema}.holding h FULL JOIN moved m USING (account, currency)
    WHERE h.account IS NOT NULL OR account !~ '^(sponsor|platform|mint|suspense):'
), low AS MATERIALIZED (
    SELECT account, currency, held, moved, least(held, moved) AS least_of_both,
           -- A uid that no account of ours can have stays null, and its postings with it.
           CASE WHEN currency = 'fen' AND account ~ '^user:[0-9]{1,19}$'
                THEN CASE WHEN substr(account, 6)::numeric <= 9223372036854775807 THEN substr(account, 6)::bigint END
           END AS uid
    FROM both_sides WHERE NOT free AND least(held, moved) < 0
), posted AS (
    -- + 0: postings are read whole, once; user by user through the index takes ten times as long where many have spent.
    SELECT uid, sum(fen) AS fen FROM {schema}.posting WHERE uid + 0 IN (SELECT uid FROM low) GROUP BY uid
), wrong AS (
    SELECT 'legs' AS what, account, currency, held, moved, NULL::numeric AS posted,
           abs(coalesce(held, 0) - moved) AS off
    FROM both_sides WHERE held IS DISTINCT FROM moved
    UNION ALL
    SELECT 'under', account, currency, held, moved, CASE WHEN uid IS NOT NULL THEN coalesce(fen, 0) END,
           -(least_of_both + coalesce(fen, 0))
    FROM low LEFT JOIN posted USING (uid) WHERE least_of_both + coalesce(fen, 0) < 0
)
SELECT 'all', count(*), 0, NULL, NULL, NULL, NULL, NULL FROM both_sides
UNION ALL (
    SELECT DISTINCT ON (what) what, count(*) OVER w, coalesce(sum(off) FILTER (WHERE currency = 'fen') OVER w, 0),
           account, currency, held, moved, posted
    FROM wrong WINDOW w AS (PARTITION BY what) ORDER BY what, account, currency
)

-- name: season_reversals
-- Reversals that are not what they should be: `legs`, not the negated legs of what they reverse; `again`, of what was
-- reversed before; `of_reversal`. For each: how many, the fen off of all, and the first.
WITH pair AS MATERIALIZED (
    SELECT r.transfer AS reversal, r.reverses, t.reverses IS NOT NULL AS of_reversal,
           row_number() OVER (PARTITION BY r.reverses ORDER BY r.transfer) AS place
    FROM {schema}.transfer r LEFT JOIN {schema}.transfer t ON t.transfer = r.reverses WHERE r.reverses IS NOT NULL
), given_back AS (
    SELECT p.reversal, l.currency, l.account, l.amount FROM pair p JOIN {schema}.leg l ON l.transfer = p.reversal
), left_over AS (
    SELECT reversal, account, currency, sum(amount) AS amount FROM (
        SELECT reversal, account, currency, amount FROM given_back
        UNION ALL
        SELECT p.reversal, l.account, l.currency, l.amount FROM pair p JOIN {schema}.leg l ON l.transfer = p.reverses
    ) sides GROUP BY reversal, account, currency HAVING sum(amount) <> 0
), wrong AS (
    SELECT 'legs' AS what, reversal, coalesce(sum(abs(amount)) FILTER (WHERE currency = 'fen'), 0) AS off
    FROM left_over GROUP BY reversal
    UNION ALL
    SELECT CASE WHEN p.place > 1 THEN 'again' ELSE 'of_reversal' END, p.reversal,
           coalesce((SELECT sum(g.amount) FROM given_back g
                     WHERE g.reversal = p.reversal AND g.currency = 'fen' AND g.amount > 0), 0)
    FROM pair p WHERE p.place > 1 OR p.of_reversal
)
SELECT DISTINCT ON (what) what, count(*) OVER w, sum(off) OVER w, reversal, p.reverses
FROM wrong JOIN pair p USING (reversal) WINDOW w AS (PARTITION BY what) ORDER BY what, reversal

-- name: season_settled
-- What left suspense: how many transfers, how many of them are wrong, the fen off of these, and the first: not a
-- settlement of a packet whose money is held, or not all of it, to the user or the sponsor that the record names; or to a
-- user whom the draw, or an earlier settlement, has paid in that round.
WITH paid AS (
    SELECT t.transfer, t.kind, t.key, l.account, l.amount, t.request ->> 'to' AS goes
    FROM {schema}.leg l JOIN {schema}.transfer t USING (transfer) WHERE l.account LIKE 'suspense:%%'
), settled AS (
    SELECT p.transfer, p.goes, s.round, s.uid FROM paid p
    JOIN {schema}.suspense s ON s.held_fen > 0 AND p.key = 'settle:' || s.round || '-' || s.packet
), twice AS (
    SELECT a.transfer FROM settled a WHERE a.goes = 'user' AND (
        EXISTS (SELECT 1 FROM {schema}.posting o WHERE o.round = a.round AND o.uid = a.uid)
        OR EXISTS (SELECT 1 FROM settled o
                   WHERE o.goes = 'user' AND (o.round, o.uid) = (a.round, a.uid) AND o.transfer < a.transfer))
), judged AS (
    SELECT p.transfer, p.key, abs(p.amount) AS fen,
           p.transfer NOT IN (SELECT transfer FROM twice) AND p.kind = 'settle' AND s.held_fen = -p.amount AND EXISTS (
               SELECT 1 FROM {schema}.leg l WHERE l.transfer = p.transfer AND l.currency = 'fen'
               AND l.amount = s.held_fen
               AND l.account = CASE p.goes WHEN 'user' THEN 'user:' || s.uid
                                           WHEN 'sponsor' THEN 'sponsor:' || s.held_sponsor END) AS good
    FROM paid p LEFT JOIN {schema}.suspense s
    ON s.held_fen > 0 AND p.account = 'suspense:' || s.round AND p.key = 'settle:' || s.round || '-' || s.packet
)
SELECT count(*), count(*) FILTER (WHERE good IS NOT TRUE), coalesce(sum(fen) FILTER (WHERE good IS NOT TRUE), 0)::bigint,
       min(transfer) FILTER (WHERE good IS NOT TRUE) FROM judged

-- name: season_payouts
-- Payouts that are not what was moved: `held`, users whose money on its way to the bank is not what they have ordered
-- and the bank has not answered; `order`, those whose first transfer is another, or of another user's money; `end`, those
-- whose end is not what the bank is written to have said, or went to somebody else; `stray`, transfers that move a
-- payout's money, or call themselves one, and are no payout's order and no payout's end (`state`: their key). `all`: how
-- many there are. For each: how many, the fen off of all, and the first.
WITH due AS (
    SELECT 'payout:' || uid AS account, sum(fen) AS fen FROM {schema}.payout WHERE state = 'processing' GROUP BY uid
), held AS (
    SELECT account, amount FROM {schema}.holding WHERE account ~ '^payout:' AND currency = 'fen'
), told AS (
    SELECT p.payout, p.uid, p.fen, p.state, o.kind AS ordered, coalesce(m.amount, 0) AS taken,
           -coalesce(f.amount, 0) AS paid_in, e.kind AS ended, coalesce(l.amount, 0) AS given,
           coalesce(g.amount, 0) AS received
    FROM {schema}.payout p JOIN {schema}.transfer o ON o.transfer = p.payout
    LEFT JOIN {schema}.leg m ON m.transfer = p.payout AND m.account = 'payout:' || p.uid AND m.currency = 'fen'
    LEFT JOIN {schema}.leg f ON f.transfer = p.payout AND f.account = 'user:' || p.uid AND f.currency = 'fen'
    LEFT JOIN {schema}.transfer e ON e.key = 'payout_end:' || p.payout
    LEFT JOIN {schema}.leg l ON l.transfer = e.transfer AND l.account = 'payout:' || p.uid AND l.currency = 'fen'
    LEFT JOIN {schema}.leg g ON g.transfer = e.transfer AND g.currency = 'fen'
         AND g.account = CASE p.state WHEN 'paid' THEN 'platform:bank' ELSE 'user:' || p.uid END
), wrong AS (
    SELECT 'held' AS what, account, NULL::bigint AS payout, '' AS state, abs(coalesce(amount, 0) - coalesce(fen, 0)) AS off
    FROM due FULL JOIN held USING (account) WHERE coalesce(amount, 0) <> coalesce(fen, 0)
    UNION ALL
    SELECT 'order', 'payout:' || uid, payout, state, greatest(abs(taken - fen), abs(paid_in - fen)) FROM told
    WHERE ordered <> 'payout' OR taken <> fen OR paid_in <> fen
    UNION ALL
    SELECT 'end', 'payout:' || uid, payout, state,
           greatest(abs(given + due), abs(received - due)) FROM (
        SELECT *, CASE state WHEN 'processing' THEN 0 ELSE fen END AS due FROM told
    ) ends
    WHERE ended IS DISTINCT FROM CASE state WHEN 'paid' THEN 'payout_paid' WHEN 'refused' THEN 'payout_back' END
       OR given <> -due OR received <> due
    UNION ALL
    SELECT 'stray', '', t.transfer, t.key, coalesce(max(abs(l.amount)) FILTER (WHERE l.currency = 'fen'), 0)
    FROM {schema}.transfer t LEFT JOIN {schema}.leg l USING (transfer)
    WHERE (t.kind IN ('payout', 'payout_paid', 'payout_back') OR l.account ~ '^(payout:|platform:bank$)')
      AND t.transfer NOT IN (SELECT payout FROM {schema}.payout)
      AND t.key NOT IN (SELECT 'payout_end:' || payout FROM {schema}.payout)
    GROUP BY t.transfer, t.key
)
SELECT 'all', count(*), 0, NULL, NULL, NULL FROM {schema}.payout
UNION ALL (
    SELECT DISTINCT ON (what) what, count(*) OVER w, coalesce(sum(off) OVER w, 0), account, payout, state
    FROM wrong WINDOW w AS (PARTITION BY what) ORDER BY what, account, payout
)
