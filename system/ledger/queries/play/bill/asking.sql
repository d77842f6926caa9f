-- name: bill_make
-- A bill, unless the key has one. Whoever sends the same key waits here until the one before has committed or is undone.
INSERT INTO {schema}.bill (uid, key, fen, what, at_us)
VALUES (%(uid)s, %(key)s, %(fen)s, %(what)s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
ON CONFLICT (uid, key) DO NOTHING RETURNING bill

-- name: bill_ask
-- Each user's part of a bill.
INSERT INTO {schema}.bill_part (bill, uid, fen) SELECT %(bill)s, o.uid, %(fen)s FROM unnest(%(uids)s::bigint[]) AS o(uid)

-- name: bill_of_key
-- What the bill of a key was asked as.
SELECT b.bill, b.fen, b.what, array_agg(p.uid ORDER BY p.uid)
FROM {schema}.bill b JOIN {schema}.bill_part p USING (bill)
WHERE b.uid = %(uid)s AND b.key = %(key)s GROUP BY b.bill

-- name: bill_seen
-- A bill with each part and what became of it, for somebody who is in it; no row for anybody else.
SELECT b.bill, b.uid, b.fen, b.what, b.at_us, array_agg(p.uid ORDER BY p.uid), array_agg(p.fen ORDER BY p.uid),
       array_agg(CASE WHEN r.transfer IS NOT NULL THEN 'reversed' WHEN t.transfer IS NOT NULL THEN 'paid' ELSE 'open' END
                 ORDER BY p.uid)
FROM {schema}.bill b JOIN {schema}.bill_part p USING (bill)
LEFT JOIN {schema}.transfer t ON t.key = 'bill:' || p.bill || ':' || p.uid
LEFT JOIN {schema}.transfer r ON r.reverses = t.transfer
WHERE b.bill = %(bill)s
  AND (b.uid = %(uid)s OR EXISTS (SELECT 1 FROM {schema}.bill_part o WHERE o.bill = b.bill AND o.uid = %(uid)s))
GROUP BY b.bill

-- name: bill_asked
-- The newest parts asked of a user, and what became of each.
SELECT b.bill, b.uid, p.fen, b.what, b.at_us,
       CASE WHEN r.transfer IS NOT NULL THEN 'reversed' WHEN t.transfer IS NOT NULL THEN 'paid' ELSE 'open' END
FROM {schema}.bill_part p JOIN {schema}.bill b USING (bill)
LEFT JOIN {schema}.transfer t ON t.key = 'bill:' || p.bill || ':' || p.uid
LEFT JOIN {schema}.transfer r ON r.reverses = t.transfer
WHERE p.uid = %(uid)s ORDER BY p.bill DESC LIMIT 50

-- name: bill_part
-- A user's part: to whom, how much, what for, what became of it.
SELECT b.uid, p.fen, b.what,
       CASE WHEN r.transfer IS NOT NULL THEN 'reversed' WHEN t.transfer IS NOT NULL THEN 'paid' ELSE 'open' END
FROM {schema}.bill_part p JOIN {schema}.bill b USING (bill)
LEFT JOIN {schema}.transfer t ON t.key = 'bill:' || p.bill || ':' || p.uid
LEFT JOIN {schema}.transfer r ON r.reverses = t.transfer
WHERE p.bill = %(bill)s AND p.uid = %(uid)s
