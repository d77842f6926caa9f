-- Schema of one lane, {schema} = live or stress. Money in fen. Idempotent.
CREATE TABLE IF NOT EXISTS {schema}.round (
    round        int PRIMARY KEY,
    state        text NOT NULL DEFAULT 'armed' CHECK (state IN ('armed', 'closing', 'closed')),
    packets      bigint NOT NULL CHECK (packets > 0),
    budget_fen   bigint NOT NULL CHECK (budget_fen > 0),
    start_us     bigint NOT NULL,
    end_us       bigint NOT NULL CHECK (end_us > start_us),
    release_ms   bigint NOT NULL CHECK (release_ms > 0),
    sponsors     jsonb NOT NULL,            -- the histogram, as published: [{"sponsor", "name", "classes"}]
    seed         bytea NOT NULL CHECK (length(seed) = 32),
    commitment   text NOT NULL,
    next_packet  bigint NOT NULL DEFAULT 0 CHECK (next_packet <= packets),   -- [0, next_packet) is leased
    created_us   bigint NOT NULL,
    closed_us    bigint
);

-- One stream per round and front: its epochs, what control granted, how far credit has come, what the close was told.
CREATE TABLE IF NOT EXISTS {schema}.stream (
    round              int NOT NULL REFERENCES {schema}.round,
    front              int NOT NULL,
    cell               int NOT NULL,
    epoch              bigint NOT NULL DEFAULT 0,     -- newest number taken
    granted            bigint NOT NULL DEFAULT 0 CHECK (granted <= epoch),  -- newest whose fence is known to be raised
    offset_epoch       bigint NOT NULL DEFAULT 0,
    offset_seq         bigint NOT NULL DEFAULT 0,
    confirmed_instance bigint,
    confirmed_epoch    bigint,
    confirmed_seq      bigint,
    stopped            text,                          -- why credit stopped here: a gap, a damaged entry
    PRIMARY KEY (round, front)
);

CREATE TABLE IF NOT EXISTS {schema}.lease (
    round     int NOT NULL,
    front     int NOT NULL,
    epoch     bigint NOT NULL,
    number    int NOT NULL CHECK (number >= 1),
    lo        bigint NOT NULL,
    hi        bigint NOT NULL CHECK (hi > lo),
    abandoned boolean NOT NULL DEFAULT false,
    used      bytea NOT NULL,                         -- one bit a packet, bit (i - lo) & 7 of byte (i - lo) >> 3
    PRIMARY KEY (round, front, epoch, number),
    FOREIGN KEY (round, front) REFERENCES {schema}.stream (round, front)
);
CREATE UNIQUE INDEX IF NOT EXISTS lease_lo ON {schema}.lease (round, lo);

-- Each batch balances: sum of its postings + suspense + entries = 0.
CREATE TABLE IF NOT EXISTS {schema}.batch (
    batch      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('fund', 'credit', 'set_aside', 'refund')),
    round      int NOT NULL REFERENCES {schema}.round,
    front      int,
    from_epoch bigint, from_seq bigint,
    to_epoch   bigint, to_seq bigint,
    postings   int NOT NULL DEFAULT 0,
    fen        bigint NOT NULL DEFAULT 0,
    committed_us bigint NOT NULL
);

-- Credit legs: one row an award, money into a user's account. No unique index: uniqueness is proven at the close.
CREATE TABLE IF NOT EXISTS {schema}.posting (
    uid      bigint NOT NULL,
    round    int NOT NULL,
    packet   bigint NOT NULL,
    fen      bigint NOT NULL CHECK (fen > 0),
    sponsor  int NOT NULL,
    front    int NOT NULL,
    award_us bigint NOT NULL,
    batch    bigint NOT NULL
);
-- Round first: while a round is credited, only its part of the index is written to. An account is still found at
-- once, by one search a round (skip scan).
CREATE INDEX IF NOT EXISTS posting_round_account ON {schema}.posting (round, uid);
-- A few bytes for megabytes of rows, so that one round is found without reading the others.
CREATE INDEX IF NOT EXISTS posting_round ON {schema}.posting USING brin (round) WITH (pages_per_range = 64);

-- Money of records that cannot be believed; held_fen is what was really set aside (0 where the packet is not free).
CREATE TABLE IF NOT EXISTS {schema}.suspense (
    batch    bigint NOT NULL REFERENCES {schema}.batch,
    round    int NOT NULL,
    front    int NOT NULL,
    epoch    bigint NOT NULL,
    seq      bigint NOT NULL,
    place    int NOT NULL,                            -- which record of the entry
    packet   bigint NOT NULL,
    uid      bigint NOT NULL,
    fen      bigint NOT NULL,
    sponsor  int NOT NULL,
    award_us bigint NOT NULL,
    held_fen bigint NOT NULL CHECK (held_fen >= 0),
    held_sponsor int NOT NULL CHECK ((held_sponsor = 0) = (held_fen = 0)),  -- whose money is held, by the lottery
    reason   text NOT NULL
);

-- Every other leg: accounts `sponsor:N` (a sponsor's own money) and `budget:ROUND:N` (what it put into a round); signed fen.
CREATE TABLE IF NOT EXISTS {schema}.entry (
    batch   bigint NOT NULL REFERENCES {schema}.batch,
    account text NOT NULL,
    fen     bigint NOT NULL CHECK (fen <> 0)
);
CREATE INDEX IF NOT EXISTS entry_account ON {schema}.entry (account);

-- Records ignored as repeats (same packet, same user), with the batch they were met in.
CREATE TABLE IF NOT EXISTS {schema}.duplicate (
    batch  bigint NOT NULL REFERENCES {schema}.batch,
    round  int NOT NULL,
    front  int NOT NULL,
    packet bigint NOT NULL,
    uid    bigint NOT NULL
);
