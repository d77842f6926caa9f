-- Who took part: what fronts report of each round and minute. Source: docs/season.md, "Counting". Rows of parts are added, never
-- changed. The starts of fronts are control's, of no lane: a stress run must not touch the live lane.
CREATE TABLE IF NOT EXISTS control.counting (
    front    int NOT NULL,
    instance bigint NOT NULL,              -- one start of the front
    number   bigint NOT NULL DEFAULT 0,    -- of its newest report
    until_us bigint NOT NULL,              -- all it answered before is reported; at first: when it registered
    last     boolean NOT NULL DEFAULT false,   -- it stopped in order
    began_us bigint NOT NULL,
    PRIMARY KEY (front, instance)
);
GRANT SELECT ON control.counting TO xiu_live, xiu_stress;
CREATE TABLE {schema}.participation (
    round     int NOT NULL REFERENCES {schema}.round,
    minute_us bigint NOT NULL,
    front     int NOT NULL,
    instance  bigint NOT NULL,
    number    bigint NOT NULL,
    taps      bigint NOT NULL CHECK (taps >= 0),
    too_fast  bigint NOT NULL CHECK (too_fast >= 0),
    exposures jsonb NOT NULL,              -- sponsor: answers that named it
    users     bytea NOT NULL,              -- 64-bit roaring bitmap of those not reported of this minute before
    PRIMARY KEY (round, minute_us, front, instance, number)
);
