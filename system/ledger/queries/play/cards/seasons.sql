-- name: cards_open_season
-- A season, open; no row: the number is taken, or another season is not paid yet.
INSERT INTO {schema}.season (season, cards, seed, commitment, sponsor, pot_fen, created_us)
VALUES (%(season)s, %(cards)s, %(seed)s, %(commitment)s, %(sponsor)s, %(pot_fen)s,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
ON CONFLICT DO NOTHING RETURNING season

-- name: cards_open_counter
-- Its first card is card 0.
INSERT INTO {schema}.card_counter (season, next) VALUES (%(season)s, 0)

-- name: cards_is_season
-- Is there a season of this number?
SELECT 1 FROM {schema}.season WHERE season = %(season)s

-- name: cards_seasons
-- Seasons as they are shown; the seed stays secret while one is open. `season` null: all.
SELECT s.season, s.state, s.cards, c.next, s.pot_fen,
       (SELECT coalesce(sum(b.fen), 0) FROM {schema}.pot_batch b JOIN {schema}.transfer t
        ON t.key = 'pot:' || b.season || ':' || b.batch WHERE b.season = s.season AND b.kind = 'shares'),
       s.sponsor, s.commitment, CASE WHEN s.state <> 'open' THEN s.seed END, s.ended_us, s.blessings, s.each_fen
FROM {schema}.season s JOIN {schema}.card_counter c USING (season)
WHERE %(season)s::int IS NULL OR s.season = %(season)s ORDER BY s.season

-- name: cards_issued
-- Kinds of a season's cards in their order, a page at a time.
SELECT n, kind FROM {schema}.card WHERE season = %(season)s AND n >= %(first)s ORDER BY n LIMIT %(limit)s

-- name: cards_hold_season
-- Whoever moves a card holds the season until the commit: the end waits for it. First comes the turn: PostgreSQL lets one
-- FOR SHARE after the other past a FOR UPDATE that waits, so where cards move all the time the end would never come.
SELECT state, cards, seed FROM {schema}.season
WHERE season = %(season)s
  AND (SELECT pg_advisory_xact_lock_shared(hashtextextended('{schema} season ' || %(season)s::int, 0))) IS NOT NULL
FOR SHARE

-- name: cards_end_turn
-- Whoever comes to hold the season after this waits for the end.
SELECT pg_advisory_xact_lock(hashtextextended('{schema} season ' || %(season)s::int, 0))

-- name: cards_end_season
-- The end waits for everybody who holds the season, and whoever comes later waits for the end.
SELECT state, pot_fen FROM {schema}.season WHERE season = %(season)s FOR UPDATE

-- name: cards_count_blessings
-- How many users have a blessing. A statement after the lock: it sees every combination that was committed before.
SELECT count(*) FROM {schema}.holding WHERE currency = 'blessing' AND account LIKE 'user:%%' AND amount > 0

-- name: cards_freeze_batches
-- The batches of the list.
INSERT INTO {schema}.pot_batch (season, batch, kind, users, fen)
SELECT %(season)s, b, 'shares', least(%(size)s::bigint, %(users)s - b * %(size)s::bigint),
       %(each)s * least(%(size)s::bigint, %(users)s - b * %(size)s::bigint)
FROM generate_series(0, (%(users)s::bigint - 1) / %(size)s) AS b

-- name: cards_freeze_shares
-- The list: who is paid what, in which batch.
INSERT INTO {schema}.pot_share (season, batch, uid, fen)
SELECT %(season)s, (row_number() OVER (ORDER BY w.uid) - 1) / %(size)s, w.uid, %(each)s
FROM (SELECT substr(h.account, 6)::bigint AS uid FROM {schema}.holding h
      WHERE h.currency = 'blessing' AND h.account LIKE 'user:%%' AND h.amount > 0) w

-- name: cards_freeze_last
-- Where the rest of the pot goes.
INSERT INTO {schema}.pot_batch (season, batch, kind, users, fen) VALUES (%(season)s, %(batch)s, %(kind)s, 0, %(fen)s)

-- name: cards_frozen
-- The list and the amounts stand; the season is over.
UPDATE {schema}.season SET state = 'ended', blessings = %(users)s, each_fen = %(each)s,
       ended_us = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
WHERE season = %(season)s AND state = 'open'
