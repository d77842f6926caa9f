-- The newest topology.
SELECT version, fronts, cells FROM control.topology ORDER BY version DESC LIMIT 1
