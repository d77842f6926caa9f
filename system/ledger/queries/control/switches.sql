-- name: control_switch_lock
-- The values before, by lane, held until the commit.
SELECT lane, value FROM control.switch WHERE key = %(key)s ORDER BY lane FOR UPDATE

-- name: control_switch_set
-- A switch of a lane, persisted.
INSERT INTO control.switch (key, lane, value) VALUES (%(key)s, %(lane)s, %(value)s)
ON CONFLICT (key, lane) DO UPDATE SET value = excluded.value

-- name: control_switch_cell_lock
-- The cell's own values before, by lane. The lane's rows are locked first, so that changes take turns.
SELECT lane, value FROM control.switch_cell WHERE key = %(key)s AND cell = %(cell)s ORDER BY lane FOR UPDATE

-- name: control_switch_cell_set
-- A cell's own value of a switch of a lane, persisted.
INSERT INTO control.switch_cell (key, lane, cell, value) VALUES (%(key)s, %(lane)s, %(cell)s, %(value)s)
ON CONFLICT (key, lane, cell) DO UPDATE SET value = excluded.value

-- name: control_switch_cell_follow
-- The cell has no value of its own any more: it follows the lane.
DELETE FROM control.switch_cell WHERE key = %(key)s AND lane = %(lane)s AND cell = %(cell)s

-- name: control_switch_log
-- Who changed a switch, when and why.
INSERT INTO control.switch_history (key, lane, cell, before, after, who, why, at_us)
VALUES (%(key)s, %(lane)s, %(cell)s, %(before)s, %(after)s, %(who)s, %(why)s, %(at_us)s)

-- name: control_switch_history
-- Changes of switches, newest first. No lane: both at once; no cell: every one without a value of its own.
SELECT id, key, lane, cell, before, after, who, why, at_us FROM control.switch_history ORDER BY id DESC LIMIT %(limit)s
