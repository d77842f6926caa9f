-- Transfers: what moves money or cards beside the draw. Source: docs/season.md. Rows here are never changed.
CREATE TABLE {schema}.transfer (
    transfer bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL,
    key      text COLLATE "C" NOT NULL UNIQUE,
    request  jsonb NOT NULL,                             -- what was asked for: a repeat is compared with it
    reverses bigint UNIQUE REFERENCES {schema}.transfer, -- whose legs these negate; once
    at_us    bigint NOT NULL                             -- PostgreSQL's clock, read under the locks
);
CREATE TABLE {schema}.leg (
    transfer bigint NOT NULL REFERENCES {schema}.transfer,
    account  text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL CHECK (currency IN ('fen', 'blessing') OR currency ~ '^card:[1-5]$'),
    amount   bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transfer, account, currency)
);
CREATE INDEX leg_account ON {schema}.leg (account, transfer);

-- What an account with a floor holds: the sum of its legs, and the row to lock.
CREATE TABLE {schema}.holding (
    account  text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    amount   bigint NOT NULL,
    PRIMARY KEY (account, currency)
);
