-- name: control_switch_lock
-- The values before, by lane, held until the commit.
SELECT lane, value FROM control.switch WHERE key = %(key)s ORDER BY lane FOR UPDATE

-- name: control_switch_set
-- A switch of a lane, persisted.
INSERT INTO control.switch (key, lane, value) VALUES (%(key)s, %(lane)s, %(value)s)
ON CONFLICT (key, lane) DO UPDATE SET value = excluded.value

-- name: control_switch_log
-- Who changed a switch, when and why.
INSERT INTO control.switch_history (key, lane, before, after, who, why, at_us)
VALUES (%(key)s, %(lane)s, %(before)s, %(after)s, %(who)s, %(why)s, %(at_us)s)

-- name: control_switch_history
-- Changes of switches, newest first. No lane: both at once.
SELECT id, key, lane, before, after, who, why, at_us FROM control.switch_history ORDER BY id DESC LIMIT %(limit)s
