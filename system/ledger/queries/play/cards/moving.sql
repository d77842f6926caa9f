-- name: cards_next
-- The number of the season's next card. Whoever draws waits here.
SELECT next FROM {schema}.card_counter WHERE season = %(season)s FOR UPDATE

-- name: cards_draw
-- Notes the card under its transfer's key and counts on; no row: this key has its card already.
WITH drawn AS (
    INSERT INTO {schema}.card (season, n, kind, key) VALUES (%(season)s, %(n)s, %(kind)s, %(key)s)
    ON CONFLICT (key) DO NOTHING RETURNING season
)
UPDATE {schema}.card_counter c SET next = c.next + 1 FROM drawn WHERE c.season = drawn.season RETURNING c.next

-- name: cards_held
-- What a user holds: cards and blessings.
SELECT currency, amount FROM {schema}.holding
WHERE account = 'user:' || %(uid)s::bigint AND currency <> 'fen' AND amount > 0

-- name: cards_asks
-- What friends ask this user for and have not got, newest first, in seasons that are open.
SELECT a.ask, a.season, a.asker, a.asked, a.kind, a.at_us, a.gift IS NOT NULL
FROM {schema}.card_ask a JOIN {schema}.season s USING (season)
WHERE a.asked = %(uid)s AND a.gift IS NULL AND s.state = 'open' ORDER BY a.ask DESC LIMIT %(limit)s

-- name: cards_ask
-- A request; no row: it stands already.
INSERT INTO {schema}.card_ask (season, asker, asked, kind, at_us)
VALUES (%(season)s, %(asker)s, %(asked)s, %(kind)s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
ON CONFLICT DO NOTHING
RETURNING ask, season, asker, asked, kind, at_us, gift IS NOT NULL

-- name: cards_ask_open
-- The request that stands.
SELECT ask, season, asker, asked, kind, at_us, gift IS NOT NULL FROM {schema}.card_ask
WHERE asked = %(asked)s AND season = %(season)s AND asker = %(asker)s AND kind = %(kind)s AND gift IS NULL

-- name: cards_ask_lock
-- A request that a gift is to fulfil.
SELECT season, asker, kind, gift FROM {schema}.card_ask WHERE ask = %(ask)s AND asked = %(asked)s FOR UPDATE

-- name: cards_ask_fulfil
-- The gift that fulfils it.
UPDATE {schema}.card_ask SET gift = %(key)s WHERE ask = %(ask)s AND gift IS NULL

-- name: cards_new_tie
-- A tie that two users made since the season was opened. One that was imported (through 0) is of before, whenever that was.
SELECT 1 FROM {schema}.tie t JOIN {schema}.season s ON s.season = %(season)s
WHERE t.lo = %(lo)s AND t.hi = %(hi)s AND t.made_us >= s.created_us AND t.through > 0

-- name: cards_ties
-- Friends whose tie gives this user a card now: as `cards_new_tie` has it, the season open, cards left, none drawn for it
-- yet; the newest first. Ties by both indexes, as in `ties_of_user`; each card by its key, never by reading all of them.
WITH mine AS MATERIALIZED (
    SELECT lo, hi, hi AS friend, made_us, through FROM {schema}.tie WHERE lo = %(uid)s::bigint
    UNION ALL
    SELECT lo, hi, lo, made_us, through FROM {schema}.tie WHERE hi = %(uid)s::bigint
)
SELECT t.friend FROM {schema}.season s JOIN {schema}.card_counter c USING (season)
JOIN mine t ON t.made_us >= s.created_us AND t.through > 0
WHERE s.state = 'open' AND c.next < (SELECT sum(n) FROM unnest(s.cards) n) AND (
    SELECT d.n FROM {schema}.card d
    WHERE d.key = format('tie:%%s:%%s:%%s:%%s', s.season, t.lo, t.hi, %(uid)s::bigint)) IS NULL
ORDER BY t.made_us DESC, t.friend LIMIT %(limit)s
