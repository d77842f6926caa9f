-- A switch has a value for each lane. What was set before held in both, and goes on doing so.
ALTER TABLE control.switch ADD COLUMN lane text NOT NULL DEFAULT 'live' CHECK (lane IN ('live', 'stress'));
ALTER TABLE control.switch DROP CONSTRAINT switch_pkey;
ALTER TABLE control.switch ADD PRIMARY KEY (key, lane);
INSERT INTO control.switch (key, lane, value) SELECT key, 'stress', value FROM control.switch;
ALTER TABLE control.switch ALTER COLUMN lane DROP DEFAULT;
ALTER TABLE control.switch_history ADD COLUMN lane text CHECK (lane IN ('live', 'stress'));   -- none: both at once
