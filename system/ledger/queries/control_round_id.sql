-- One sequence for both lanes.
SELECT nextval('control.round_id')::int
