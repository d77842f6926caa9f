-- A programme: rounds announced together, each armed by control ahead of its time. Source: docs/season.md.
CREATE TABLE {schema}.programme (
    programme text COLLATE "C" PRIMARY KEY,
    request   jsonb NOT NULL,        -- what was asked for: a repeat is compared with it
    loaded_us bigint NOT NULL
);
CREATE TABLE {schema}.programme_round (
    round      int PRIMARY KEY,      -- its number in `round`, where it stands once it is armed
    programme  text COLLATE "C" NOT NULL REFERENCES {schema}.programme,
    place      int NOT NULL,
    item       jsonb NOT NULL,       -- as announced: name, title, window, sponsors
    seed       bytea NOT NULL CHECK (length(seed) = 32),
    commitment text NOT NULL,
    UNIQUE (programme, place)
);
