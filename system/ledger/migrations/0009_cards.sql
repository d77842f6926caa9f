-- Five Blessings: seasons, the cards drawn, what friends ask for, the pot's frozen list. Source: docs/season.md.
CREATE TABLE {schema}.season (
    season     int PRIMARY KEY CHECK (season > 0),
    state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ended', 'paid')),
    cards      bigint[] NOT NULL CHECK (cardinality(cards) = 5),  -- to be issued, of each kind
    seed       bytea NOT NULL CHECK (length(seed) = 32),          -- secret while the season is open
    commitment text NOT NULL,
    sponsor    int NOT NULL,
    pot_fen    bigint NOT NULL CHECK (pot_fen > 0),
    created_us bigint NOT NULL,
    ended_us   bigint,
    blessings  bigint,                                            -- frozen at the end, as are those below
    each_fen   bigint
);
-- One at a time: blessings of two seasons are not told apart.
CREATE UNIQUE INDEX season_one ON {schema}.season ((true)) WHERE state <> 'paid';

-- The next card of a season. A row, not a sequence: what is rolled back leaves no gap.
CREATE TABLE {schema}.card_counter (
    season int PRIMARY KEY REFERENCES {schema}.season,
    next   bigint NOT NULL CHECK (next >= 0)
);
CREATE TABLE {schema}.card (
    season int NOT NULL REFERENCES {schema}.season,
    n      bigint NOT NULL,
    kind   smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    key    text COLLATE "C" NOT NULL UNIQUE REFERENCES {schema}.transfer (key) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (season, n)
);
CREATE TABLE {schema}.card_ask (
    ask    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    season int NOT NULL REFERENCES {schema}.season,
    asker  bigint NOT NULL,
    asked  bigint NOT NULL CHECK (asked <> asker),
    kind   smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    at_us  bigint NOT NULL,
    gift   text COLLATE "C" UNIQUE REFERENCES {schema}.transfer (key) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX card_ask_open ON {schema}.card_ask (asked, season, asker, kind) WHERE gift IS NULL;

-- Who is paid what, in which batch: written once, at the end. `rest`: the remainder; `back`: nobody has combined.
CREATE TABLE {schema}.pot_batch (
    season int NOT NULL REFERENCES {schema}.season,
    batch  int NOT NULL,
    kind   text NOT NULL CHECK (kind IN ('shares', 'rest', 'back')),
    users  int NOT NULL,
    fen    bigint NOT NULL,
    PRIMARY KEY (season, batch)
);
CREATE TABLE {schema}.pot_share (
    season int NOT NULL,
    batch  int NOT NULL,
    uid    bigint NOT NULL,
    fen    bigint NOT NULL CHECK (fen >= 0),
    PRIMARY KEY (season, batch, uid),
    FOREIGN KEY (season, batch) REFERENCES {schema}.pot_batch
);

-- Losing taps of this round may carry tickets of the season; null: none do.
ALTER TABLE {schema}.round ADD COLUMN season int REFERENCES {schema}.season;
