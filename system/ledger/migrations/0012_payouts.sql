-- Payouts to users' bank accounts, as ordered. What the bank says of one decides; until then the money is in payout:UID.
CREATE TABLE {schema}.payout (
    payout     bigint PRIMARY KEY REFERENCES {schema}.transfer,      -- that took the money off the balance
    bank_order uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),       -- its name at the bank: the same name is paid once
    uid        bigint NOT NULL CHECK (uid >= 0),
    fen        bigint NOT NULL CHECK (fen > 0),
    at_us      bigint NOT NULL,
    asked      int NOT NULL DEFAULT 0,                               -- how often the bank was asked, or was to be
    ask_us     bigint NOT NULL,                                      -- it is asked again from then on
    state      text NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'paid', 'refused')),
    why        text NOT NULL DEFAULT '',                             -- of a refusal, in the bank's words
    settled_us bigint CHECK ((settled_us IS NULL) = (state = 'processing'))
);
CREATE INDEX payout_due ON {schema}.payout (ask_us) WHERE settled_us IS NULL;
CREATE INDEX payout_uid ON {schema}.payout (uid, payout);
