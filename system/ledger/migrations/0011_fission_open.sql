-- Until when winners may open shares of a round, in seconds after its close; then what is left returns to the sponsors.
ALTER TABLE {schema}.fission ADD COLUMN open_s int NOT NULL DEFAULT 86400 CHECK (open_s > 0);
