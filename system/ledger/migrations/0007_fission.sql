-- Fission packets: shares of a winner's packet, and who claimed them. Source: docs/season.md.
CREATE TABLE {schema}.fission (                          -- what each share of a round is; its money: account fission:ROUND
    round      int PRIMARY KEY REFERENCES {schema}.round,
    share_fen  bigint NOT NULL,
    parts      int NOT NULL CHECK (parts BETWEEN 1 AND 1000),
    lifetime_s int NOT NULL CHECK (lifetime_s > 0),
    CHECK (share_fen >= parts)
);
CREATE TABLE {schema}.share (
    award      text COLLATE "C" PRIMARY KEY,             -- whose share it is; once
    round      int NOT NULL,
    uid        bigint NOT NULL,                          -- its owner
    parts      bigint[] NOT NULL,                        -- fen of each part, in the order in which they are claimed
    key_id     int NOT NULL,                             -- of the key with which its link was made
    opened_us  bigint NOT NULL,
    expires_us bigint NOT NULL CHECK (expires_us > opened_us),
    claimed    int NOT NULL DEFAULT 0 CHECK (claimed BETWEEN 0 AND cardinality(parts)),
    settled_us bigint                                    -- the last part was claimed, or the rest paid back
);
CREATE INDEX share_open ON {schema}.share (expires_us) WHERE settled_us IS NULL;
CREATE TABLE {schema}.claim (
    award text COLLATE "C" NOT NULL REFERENCES {schema}.share,
    uid   bigint NOT NULL,
    part  int NOT NULL,                                  -- from 1
    fen   bigint NOT NULL CHECK (fen > 0),
    at_us bigint NOT NULL,                               -- PostgreSQL's clock, read under the share's lock
    PRIMARY KEY (award, uid),
    UNIQUE (award, part)
);
