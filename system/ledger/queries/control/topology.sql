-- name: control_topology_read
-- The newest topology.
SELECT version, fronts, cells FROM control.topology ORDER BY version DESC LIMIT 1

-- name: control_rounds_open
-- Rounds that hold the topology fixed.
SELECT count(*) FROM {schema}.round WHERE state <> 'closed'

-- name: control_topology_insert
-- A new version of the topology.
INSERT INTO control.topology (version, fronts, cells) VALUES (%(version)s, %(fronts)s, %(cells)s)
