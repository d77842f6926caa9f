-- name: payout_open
-- Written with the transfer that took the money: the bank is to be asked at once.
INSERT INTO {schema}.payout (payout, uid, fen, at_us, ask_us)
VALUES (%(payout)s, %(uid)s, %(fen)s, %(at_us)s, %(at_us)s)

-- name: payout_seen
-- One payout of a user.
SELECT substr(t.key, length('payout:' || p.uid || ':') + 1), p.payout, p.state, p.fen, p.why, p.at_us, p.settled_us
FROM {schema}.payout p JOIN {schema}.transfer t ON t.transfer = p.payout
WHERE p.payout = %(payout)s AND p.uid = %(uid)s

-- name: payouts_of
-- A user's payouts, newest first.
SELECT substr(t.key, length('payout:' || p.uid || ':') + 1), p.payout, p.state, p.fen, p.why, p.at_us, p.settled_us
FROM {schema}.payout p JOIN {schema}.transfer t ON t.transfer = p.payout
WHERE p.uid = %(uid)s ORDER BY p.payout DESC LIMIT %(limit)s
