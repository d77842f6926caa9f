-- Rounds that hold the topology fixed.
SELECT count(*) FROM {schema}.round WHERE state <> 'closed'
