-- Bills that friends share (AA): who paid, who owes how much. What was paid stands in the transfers.
CREATE TABLE {schema}.bill (
    bill  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid   bigint NOT NULL CHECK (uid >= 0),              -- who paid it all, and asks the others
    key   text COLLATE "C" NOT NULL,                     -- of that user's order: the same key is the same bill
    fen   bigint NOT NULL CHECK (fen > 0),               -- of the whole bill
    what  text NOT NULL,
    at_us bigint NOT NULL,
    UNIQUE (uid, key)
);
CREATE TABLE {schema}.bill_part (
    bill bigint NOT NULL REFERENCES {schema}.bill,
    uid  bigint NOT NULL CHECK (uid >= 0),
    fen  bigint NOT NULL CHECK (fen > 0),
    PRIMARY KEY (bill, uid)
);
CREATE INDEX bill_part_uid ON {schema}.bill_part (uid, bill);
