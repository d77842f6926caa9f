-- name: control_counting_begin
-- A start of a front, before its first report.
INSERT INTO control.counting (front, instance, until_us, began_us)
VALUES (%(front)s, %(instance)s, %(now_us)s, %(now_us)s) ON CONFLICT DO NOTHING

-- name: control_counting_take
-- The front's newest report, if it is newer than what is written; no row: it is written already.
INSERT INTO control.counting AS c (front, instance, number, until_us, last, began_us, rounds)
VALUES (%(front)s, %(instance)s, %(number)s, %(until_us)s, %(last)s, %(until_us)s, %(rounds)s)
ON CONFLICT (front, instance) DO UPDATE
SET number = excluded.number, until_us = excluded.until_us, last = excluded.last, rounds = excluded.rounds
WHERE c.number < excluded.number RETURNING c.number

-- name: control_counted_insert
-- One round in one minute, as a front reported it.
INSERT INTO {schema}.participation (round, minute_us, front, instance, number, taps, too_fast, exposures, users)
VALUES (%(round)s, %(minute_us)s, %(front)s, %(instance)s, %(number)s, %(taps)s, %(too_fast)s, %(exposures)s, %(users)s)
