-- name: cards_unpaid
-- The next batches that are not paid: a batch is paid when its transfer is there.
SELECT b.season, b.batch, b.kind, b.fen, s.sponsor, count(*) OVER () FROM {schema}.season s JOIN {schema}.pot_batch b USING (season)
WHERE s.state = 'ended'
  AND NOT EXISTS (SELECT 1 FROM {schema}.transfer t WHERE t.key = 'pot:' || b.season || ':' || b.batch)
ORDER BY b.season, b.batch LIMIT %(limit)s

-- name: cards_shares
-- The users of a batch.
SELECT uid, fen FROM {schema}.pot_share WHERE season = %(season)s AND batch = %(batch)s ORDER BY uid

-- name: cards_settle
-- Seasons whose every batch is paid are over for good.
UPDATE {schema}.season s SET state = 'paid' WHERE s.state = 'ended' AND NOT EXISTS (
    SELECT 1 FROM {schema}.pot_batch b WHERE b.season = s.season
    AND NOT EXISTS (SELECT 1 FROM {schema}.transfer t WHERE t.key = 'pot:' || b.season || ':' || b.batch))
