-- name: sweep_due
-- Shares that are over and still hold money, oldest first; what another sweep has locked is left to it. The clock may
-- be read before the lock: what is over stays so. What the account holds is read by a later statement.
SELECT s.award, s.round FROM {schema}.share s
WHERE s.settled_us IS NULL AND s.expires_us <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
ORDER BY s.expires_us, s.award LIMIT %(limit)s FOR UPDATE SKIP LOCKED

-- name: sweep_clock
-- PostgreSQL's clock in microseconds: the plays' authority of time.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint

-- name: sweep_left
-- What these shares still hold, and the transfer that paid each.
SELECT substr(h.account, 7), h.amount, t.transfer FROM {schema}.holding h
JOIN {schema}.transfer t ON t.key = h.account
WHERE h.account = ANY(%(accounts)s::text[]) AND h.currency = 'fen' AND h.amount > 0

-- name: sweep_settle
-- Over: no part of it is given out any more.
UPDATE {schema}.share SET settled_us = %(at_us)s WHERE award = ANY(%(awards)s::text[])
