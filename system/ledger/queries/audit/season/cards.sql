-- name: season_decks
-- Each season with what its cards are derived from, and how many were drawn by its counter.
SELECT s.season, s.cards, s.seed, s.commitment, c.next FROM {schema}.season s LEFT JOIN {schema}.card_counter c USING (season)
ORDER BY s.season

-- name: season_deck_cards
-- The cards of a season.
SELECT n, kind FROM {schema}.card WHERE season = %(season)s ORDER BY n

-- name: season_card_kinds
-- Of each season and kind: minted, drawn by the cards, and what its issuer holds.
SELECT s.season, k, coalesce(m.amount, 0), coalesce(d.cards, 0), coalesce(h.amount, 0)
FROM {schema}.season s CROSS JOIN generate_series(1, 5) AS k
LEFT JOIN (SELECT l.account, l.currency, sum(l.amount) AS amount FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
           WHERE t.kind = 'season' GROUP BY l.account, l.currency) m
       ON m.account = 'issue:' || s.season AND m.currency = 'card:' || k
LEFT JOIN (SELECT season, kind, count(*) AS cards FROM {schema}.card GROUP BY season, kind) d
       ON d.season = s.season AND d.kind = k
LEFT JOIN {schema}.holding h ON h.account = 'issue:' || s.season AND h.currency = 'card:' || k
ORDER BY s.season, k

-- name: season_card_places
-- Where the cards of each kind are, of all seasons: minted, with users, combined, left with the issuers.
SELECT k,
       (SELECT coalesce(sum(l.amount), 0) FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
        WHERE t.kind = 'season' AND l.account LIKE 'issue:%%' AND l.currency = 'card:' || k),
       (SELECT coalesce(sum(h.amount), 0) FROM {schema}.holding h
        WHERE h.currency = 'card:' || k AND h.account LIKE 'user:%%'),
       (SELECT coalesce(sum(l.amount), 0) FROM {schema}.transfer t JOIN {schema}.leg l USING (transfer)
        WHERE t.kind = 'combine' AND l.account LIKE 'mint:%%' AND l.currency = 'card:' || k),
       (SELECT coalesce(sum(h.amount), 0) FROM {schema}.holding h
        WHERE h.currency = 'card:' || k AND h.account LIKE 'issue:%%')
FROM generate_series(1, 5) AS k ORDER BY k

-- name: season_card_moves
-- What is wrong with single cards, for each kind of wrong: how many, and the first key. `legs`: the transfer of a card
-- does not move that card, once, from its issuer to a user; `no_card`: drawn without a card; `late`: drawn or given
-- after the end.
WITH drawn AS (
    SELECT t.transfer, t.kind, t.key, t.at_us, (t.request ->> 'season')::int AS season FROM {schema}.transfer t
    WHERE t.kind IN ('ticket', 'tie', 'gift')
), moved AS (
    SELECT d.key, count(*) = 2
           AND bool_or(l.account = 'issue:' || c.season AND l.currency = 'card:' || c.kind AND l.amount = -1)
           AND bool_or(l.account LIKE 'user:%%' AND l.currency = 'card:' || c.kind AND l.amount = 1) AS good
    FROM drawn d JOIN {schema}.card c ON c.key = d.key JOIN {schema}.leg l ON l.transfer = d.transfer
    GROUP BY d.key
), wrong AS (
    SELECT 'legs' AS what, c.key FROM {schema}.card c LEFT JOIN moved m ON m.key = c.key WHERE m.good IS NOT TRUE
    UNION ALL
    SELECT 'no_card', d.key FROM drawn d
    WHERE d.kind <> 'gift' AND NOT EXISTS (SELECT 1 FROM {schema}.card c WHERE c.key = d.key)
    UNION ALL
    SELECT 'late', d.key FROM drawn d JOIN {schema}.season s USING (season) WHERE d.at_us > s.ended_us
)
SELECT what, count(*), min(key) FROM wrong GROUP BY what ORDER BY what
