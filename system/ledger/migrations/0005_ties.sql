-- Ties between users, what passed between them, and how strong they are. Source: docs/season.md.
-- Kinds of interactions, in `kind` and `through`: 1 contact, 2 transfer, 3 gift, 4 claim, 5 card.
CREATE TABLE {schema}.tie (
    lo      bigint   NOT NULL CHECK (lo >= 0),
    hi      bigint   NOT NULL CHECK (lo < hi),
    made_us bigint   NOT NULL,
    made_by bigint   NOT NULL CHECK (made_by IN (lo, hi)),
    mutual  integer  NOT NULL DEFAULT 0,                         -- friends in common, when last counted
    through smallint NOT NULL CHECK (through BETWEEN 0 AND 5),   -- the kind that made it; 0: imported
    book    smallint NOT NULL DEFAULT 0 CHECK (book BETWEEN 0 AND 3), -- 1: lo has hi in the address book; 2: hi has lo
    counts  integer[],                                           -- interactions: 5 kinds from lo to hi, then from hi to lo
    weights double precision[],                                  -- the same, each 2^((at - landmark) / half-life)
    PRIMARY KEY (lo, hi)
);
CREATE INDEX tie_hi ON {schema}.tie (hi);

-- Each interaction once; never changed.
CREATE TABLE {schema}.interaction (
    key      text COLLATE "C" PRIMARY KEY,                       -- of the transfer, or the order, that it belongs to
    kind     smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    from_uid bigint   NOT NULL,
    to_uid   bigint   NOT NULL CHECK (from_uid <> to_uid),
    at_us    bigint   NOT NULL
);

-- Ties made, by what: a row for each session that makes some, so that nobody waits for another.
CREATE TABLE {schema}.tie_growth (
    through smallint NOT NULL,
    backend integer  NOT NULL,
    ties    bigint   NOT NULL,
    PRIMARY KEY (through, backend)
);

-- Who asked whom. With both directions there is a tie.
CREATE TABLE {schema}.tie_request (
    to_uid   bigint  NOT NULL,
    from_uid bigint  NOT NULL CHECK (from_uid <> to_uid),
    at_us    bigint  NOT NULL,
    PRIMARY KEY (to_uid, from_uid)
);

-- A day's snapshot of all scores. `ties`: how many in each twentieth of 0 to 100. Behind (next_lo, next_hi) it goes on.
CREATE TABLE {schema}.strength_day (
    day      integer  PRIMARY KEY,                               -- days since 1970
    next_lo  bigint   NOT NULL DEFAULT -1,
    next_hi  bigint   NOT NULL DEFAULT -1,
    done     boolean  NOT NULL DEFAULT false,
    ties     bigint[] NOT NULL,
    jump_max double precision,                                   -- the largest rise of one user since the day before
    jump_uid bigint,
    makers   jsonb                                               -- who made the most ties: [[uid, ties], ...]
);
CREATE TABLE {schema}.strength_user (
    uid        bigint  PRIMARY KEY,
    day        integer NOT NULL,
    strength   double precision NOT NULL,                        -- sum of the scores of all ties of the user
    made       integer NOT NULL,                                 -- ties that this user made
    before_day integer,
    before     double precision
);
