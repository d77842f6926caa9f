-- Who may do what in one lane, {schema} = live or stress. Idempotent; run after the tables exist.
-- The lane's role (credit, play, audit) has rights here alone, control in both lanes; nobody may delete or truncate.
REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO xiu_{schema}, xiu_control;
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO xiu_{schema};
GRANT INSERT ON {schema}.batch, {schema}.posting, {schema}.suspense, {schema}.entry, {schema}.duplicate TO xiu_{schema};
GRANT UPDATE (offset_epoch, offset_seq, stopped) ON {schema}.stream TO xiu_{schema};
GRANT UPDATE (used) ON {schema}.lease TO xiu_{schema};
-- A row lock needs the right to update some column; this one says nothing about money.
GRANT UPDATE (created_us) ON {schema}.round TO xiu_{schema};
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {schema} TO xiu_control;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO xiu_{schema}, xiu_control;
-- Shares: what they are and who has which part stays as it is; how many parts are out, and whether they are over, moves.
GRANT INSERT ON {schema}.fission, {schema}.share, {schema}.claim TO xiu_{schema};
GRANT UPDATE (claimed, settled_us) ON {schema}.share TO xiu_{schema};
REVOKE UPDATE ON {schema}.fission, {schema}.claim FROM xiu_control;
-- What moved money or cards stays as it is: no role may change it.
GRANT INSERT ON {schema}.transfer, {schema}.leg, {schema}.holding TO xiu_{schema};
GRANT UPDATE (amount) ON {schema}.holding TO xiu_{schema};
REVOKE UPDATE ON {schema}.participation, {schema}.posting, {schema}.entry, {schema}.transfer, {schema}.leg FROM xiu_control;
-- An interaction is counted once, and stays as it was.
GRANT INSERT ON {schema}.tie, {schema}.interaction, {schema}.tie_growth, {schema}.tie_request TO xiu_{schema};
GRANT INSERT ON {schema}.strength_day, {schema}.strength_user TO xiu_{schema};
GRANT UPDATE (book, mutual, counts, weights) ON {schema}.tie TO xiu_{schema};
GRANT UPDATE (ties) ON {schema}.tie_growth TO xiu_{schema};
GRANT UPDATE ON {schema}.strength_day, {schema}.strength_user TO xiu_{schema};
REVOKE UPDATE ON {schema}.interaction FROM xiu_control;
-- A bill stays as it was when the others were asked.
GRANT INSERT ON {schema}.bill, {schema}.bill_part TO xiu_{schema};
REVOKE UPDATE ON {schema}.bill, {schema}.bill_part FROM xiu_control;
-- Five Blessings: a list that is frozen stays as it is; a season only ends, a counter only counts.
GRANT INSERT ON {schema}.season, {schema}.card_counter, {schema}.card, {schema}.card_ask, {schema}.pot_batch,
    {schema}.pot_share TO xiu_{schema};
GRANT UPDATE (state, ended_us, blessings, each_fen) ON {schema}.season TO xiu_{schema};
GRANT UPDATE (next) ON {schema}.card_counter TO xiu_{schema};
GRANT UPDATE (gift) ON {schema}.card_ask TO xiu_{schema};
REVOKE UPDATE ON {schema}.card, {schema}.pot_batch, {schema}.pot_share FROM xiu_control;
-- Payouts: what was ordered stays as it is; what the bank said of it, once, is written beside it.
GRANT INSERT ON {schema}.payout TO xiu_{schema};
GRANT UPDATE (asked, ask_us, state, why, settled_us) ON {schema}.payout TO xiu_{schema};
REVOKE UPDATE ON {schema}.payout FROM xiu_control;
