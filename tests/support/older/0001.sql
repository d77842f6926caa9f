SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA control;
CREATE SCHEMA live;
CREATE SCHEMA stress;
CREATE TABLE control.instance (
    front integer NOT NULL,
    instance bigint NOT NULL,
    registered_us bigint NOT NULL
);
CREATE TABLE control.migration (
    number integer NOT NULL,
    name text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE SEQUENCE control.round_id
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE control.switch (
    key text NOT NULL,
    value integer NOT NULL,
    lane text NOT NULL,
    CONSTRAINT switch_lane_check CHECK ((lane = ANY (ARRAY['live'::text, 'stress'::text])))
);
CREATE TABLE control.switch_history (
    id bigint NOT NULL,
    key text NOT NULL,
    before integer NOT NULL,
    after integer NOT NULL,
    who text NOT NULL,
    why text NOT NULL,
    at_us bigint NOT NULL,
    lane text,
    CONSTRAINT switch_history_lane_check CHECK ((lane = ANY (ARRAY['live'::text, 'stress'::text])))
);
ALTER TABLE control.switch_history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME control.switch_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE control.topology (
    version integer NOT NULL,
    fronts jsonb NOT NULL,
    cells jsonb NOT NULL
);
CREATE TABLE live.batch (
    batch bigint NOT NULL,
    kind text NOT NULL,
    round integer NOT NULL,
    front integer,
    from_epoch bigint,
    from_seq bigint,
    to_epoch bigint,
    to_seq bigint,
    postings integer DEFAULT 0 NOT NULL,
    fen bigint DEFAULT 0 NOT NULL,
    committed_us bigint NOT NULL,
    CONSTRAINT batch_kind_check CHECK ((kind = ANY (ARRAY['fund'::text, 'credit'::text, 'set_aside'::text, 'refund'::text])))
);
ALTER TABLE live.batch ALTER COLUMN batch ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME live.batch_batch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE live.duplicate (
    batch bigint NOT NULL,
    round integer NOT NULL,
    front integer NOT NULL,
    packet bigint NOT NULL,
    uid bigint NOT NULL
);
CREATE TABLE live.entry (
    batch bigint NOT NULL,
    account text NOT NULL,
    fen bigint NOT NULL,
    CONSTRAINT entry_fen_check CHECK ((fen <> 0))
);
CREATE TABLE live.lease (
    round integer NOT NULL,
    front integer NOT NULL,
    epoch bigint NOT NULL,
    number integer NOT NULL,
    lo bigint NOT NULL,
    hi bigint NOT NULL,
    abandoned boolean DEFAULT false NOT NULL,
    used bytea NOT NULL,
    CONSTRAINT lease_check CHECK ((hi > lo)),
    CONSTRAINT lease_number_check CHECK ((number >= 1))
);
CREATE TABLE live.posting (
    uid bigint NOT NULL,
    round integer NOT NULL,
    packet bigint NOT NULL,
    fen bigint NOT NULL,
    sponsor integer NOT NULL,
    front integer NOT NULL,
    award_us bigint NOT NULL,
    batch bigint NOT NULL,
    CONSTRAINT posting_fen_check CHECK ((fen > 0))
);
CREATE TABLE live.round (
    round integer NOT NULL,
    state text DEFAULT 'armed'::text NOT NULL,
    packets bigint NOT NULL,
    budget_fen bigint NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint NOT NULL,
    release_ms bigint NOT NULL,
    sponsors jsonb NOT NULL,
    seed bytea NOT NULL,
    commitment text NOT NULL,
    next_packet bigint DEFAULT 0 NOT NULL,
    created_us bigint NOT NULL,
    closed_us bigint,
    CONSTRAINT round_budget_fen_check CHECK ((budget_fen > 0)),
    CONSTRAINT round_check CHECK ((end_us > start_us)),
    CONSTRAINT round_check1 CHECK ((next_packet <= packets)),
    CONSTRAINT round_packets_check CHECK ((packets > 0)),
    CONSTRAINT round_release_ms_check CHECK ((release_ms > 0)),
    CONSTRAINT round_seed_check CHECK ((length(seed) = 32)),
    CONSTRAINT round_state_check CHECK ((state = ANY (ARRAY['armed'::text, 'closing'::text, 'closed'::text])))
);
CREATE TABLE live.stream (
    round integer NOT NULL,
    front integer NOT NULL,
    cell integer NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    granted bigint DEFAULT 0 NOT NULL,
    offset_epoch bigint DEFAULT 0 NOT NULL,
    offset_seq bigint DEFAULT 0 NOT NULL,
    confirmed_instance bigint,
    confirmed_epoch bigint,
    confirmed_seq bigint,
    stopped text,
    CONSTRAINT stream_check CHECK ((granted <= epoch))
);
CREATE TABLE live.suspense (
    batch bigint NOT NULL,
    round integer NOT NULL,
    front integer NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    place integer NOT NULL,
    packet bigint NOT NULL,
    uid bigint NOT NULL,
    fen bigint NOT NULL,
    sponsor integer NOT NULL,
    award_us bigint NOT NULL,
    held_fen bigint NOT NULL,
    held_sponsor integer NOT NULL,
    reason text NOT NULL,
    CONSTRAINT suspense_check CHECK (((held_sponsor = 0) = (held_fen = 0))),
    CONSTRAINT suspense_held_fen_check CHECK ((held_fen >= 0))
);
CREATE TABLE stress.batch (
    batch bigint NOT NULL,
    kind text NOT NULL,
    round integer NOT NULL,
    front integer,
    from_epoch bigint,
    from_seq bigint,
    to_epoch bigint,
    to_seq bigint,
    postings integer DEFAULT 0 NOT NULL,
    fen bigint DEFAULT 0 NOT NULL,
    committed_us bigint NOT NULL,
    CONSTRAINT batch_kind_check CHECK ((kind = ANY (ARRAY['fund'::text, 'credit'::text, 'set_aside'::text, 'refund'::text])))
);
ALTER TABLE stress.batch ALTER COLUMN batch ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME stress.batch_batch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE stress.duplicate (
    batch bigint NOT NULL,
    round integer NOT NULL,
    front integer NOT NULL,
    packet bigint NOT NULL,
    uid bigint NOT NULL
);
CREATE TABLE stress.entry (
    batch bigint NOT NULL,
    account text NOT NULL,
    fen bigint NOT NULL,
    CONSTRAINT entry_fen_check CHECK ((fen <> 0))
);
CREATE TABLE stress.lease (
    round integer NOT NULL,
    front integer NOT NULL,
    epoch bigint NOT NULL,
    number integer NOT NULL,
    lo bigint NOT NULL,
    hi bigint NOT NULL,
    abandoned boolean DEFAULT false NOT NULL,
    used bytea NOT NULL,
    CONSTRAINT lease_check CHECK ((hi > lo)),
    CONSTRAINT lease_number_check CHECK ((number >= 1))
);
CREATE TABLE stress.posting (
    uid bigint NOT NULL,
    round integer NOT NULL,
    packet bigint NOT NULL,
    fen bigint NOT NULL,
    sponsor integer NOT NULL,
    front integer NOT NULL,
    award_us bigint NOT NULL,
    batch bigint NOT NULL,
    CONSTRAINT posting_fen_check CHECK ((fen > 0))
);
CREATE TABLE stress.round (
    round integer NOT NULL,
    state text DEFAULT 'armed'::text NOT NULL,
    packets bigint NOT NULL,
    budget_fen bigint NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint NOT NULL,
    release_ms bigint NOT NULL,
    sponsors jsonb NOT NULL,
    seed bytea NOT NULL,
    commitment text NOT NULL,
    next_packet bigint DEFAULT 0 NOT NULL,
    created_us bigint NOT NULL,
    closed_us bigint,
    CONSTRAINT round_budget_fen_check CHECK ((budget_fen > 0)),
    CONSTRAINT round_check CHECK ((end_us > start_us)),
    CONSTRAINT round_check1 CHECK ((next_packet <= packets)),
    CONSTRAINT round_packets_check CHECK ((packets > 0)),
    CONSTRAINT round_release_ms_check CHECK ((release_ms > 0)),
    CONSTRAINT round_seed_check CHECK ((length(seed) = 32)),
    CONSTRAINT round_state_check CHECK ((state = ANY (ARRAY['armed'::text, 'closing'::text, 'closed'::text])))
);
CREATE TABLE stress.stream (
    round integer NOT NULL,
    front integer NOT NULL,
    cell integer NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    granted bigint DEFAULT 0 NOT NULL,
    offset_epoch bigint DEFAULT 0 NOT NULL,
    offset_seq bigint DEFAULT 0 NOT NULL,
    confirmed_instance bigint,
    confirmed_epoch bigint,
    confirmed_seq bigint,
    stopped text,
    CONSTRAINT stream_check CHECK ((granted <= epoch))
);
CREATE TABLE stress.suspense (
    batch bigint NOT NULL,
    round integer NOT NULL,
    front integer NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    place integer NOT NULL,
    packet bigint NOT NULL,
    uid bigint NOT NULL,
    fen bigint NOT NULL,
    sponsor integer NOT NULL,
    award_us bigint NOT NULL,
    held_fen bigint NOT NULL,
    held_sponsor integer NOT NULL,
    reason text NOT NULL,
    CONSTRAINT suspense_check CHECK (((held_sponsor = 0) = (held_fen = 0))),
    CONSTRAINT suspense_held_fen_check CHECK ((held_fen >= 0))
);
INSERT INTO control.instance VALUES (0, 2, 1800000011000000);
INSERT INTO control.migration VALUES (1, '0001_switch_by_lane', '2026-11-26 12:29:25.318299+00');
INSERT INTO control.switch VALUES ('draw.shed_percent', 20, 'live');
INSERT INTO control.switch VALUES ('draw.shed_percent', 20, 'stress');
INSERT INTO control.switch_history OVERRIDING SYSTEM VALUE VALUES (1, 'draw.shed_percent', 0, 20, 'older', 'a history', 1800000022000000, NULL);
INSERT INTO control.topology VALUES (1, '["http://127.0.0.1:9000"]', '[0]');
INSERT INTO live.batch OVERRIDING SYSTEM VALUE VALUES (1, 'fund', 1, NULL, NULL, NULL, NULL, NULL, 0, 8036, 1795696165515556);
INSERT INTO live.batch OVERRIDING SYSTEM VALUE VALUES (2, 'credit', 1, 0, 0, 0, 1, 1, 2, 101, 1795696165615135);
INSERT INTO live.batch OVERRIDING SYSTEM VALUE VALUES (3, 'set_aside', 1, 0, 1, 1, 1, 2, 0, 100, 1795696165636959);
INSERT INTO live.batch OVERRIDING SYSTEM VALUE VALUES (4, 'credit', 1, 0, 1, 2, 1, 3, 1, 100, 1795696165662335);
INSERT INTO live.batch OVERRIDING SYSTEM VALUE VALUES (5, 'credit', 1, 0, 1, 3, 2, 1, 2, 200, 1795696165710937);
INSERT INTO live.batch OVERRIDING SYSTEM VALUE VALUES (6, 'refund', 1, NULL, NULL, NULL, NULL, NULL, 0, 7535, 1795696165943408);
INSERT INTO live.entry VALUES (1, 'sponsor:7', -8000);
INSERT INTO live.entry VALUES (1, 'budget:1:7', 8000);
INSERT INTO live.entry VALUES (1, 'sponsor:9', -36);
INSERT INTO live.entry VALUES (1, 'budget:1:9', 36);
INSERT INTO live.entry VALUES (2, 'budget:1:7', -100);
INSERT INTO live.entry VALUES (2, 'budget:1:9', -1);
INSERT INTO live.entry VALUES (3, 'budget:1:7', -100);
INSERT INTO live.entry VALUES (4, 'budget:1:7', -100);
INSERT INTO live.entry VALUES (5, 'budget:1:7', -200);
INSERT INTO live.entry VALUES (6, 'budget:1:7', -7500);
INSERT INTO live.entry VALUES (6, 'sponsor:7', 7500);
INSERT INTO live.entry VALUES (6, 'budget:1:9', -35);
INSERT INTO live.entry VALUES (6, 'sponsor:9', 35);
INSERT INTO live.lease VALUES (1, 0, 1, 1, 0, 21, true, '\x0f0000');
INSERT INTO live.lease VALUES (1, 0, 2, 1, 21, 42, false, '\x030000');
INSERT INTO live.posting VALUES (1, 1, 0, 1, 9, 0, 1800000000000000, 2);
INSERT INTO live.posting VALUES (2, 1, 1, 100, 7, 0, 1800000000000000, 2);
INSERT INTO live.posting VALUES (4, 1, 3, 100, 7, 0, 1800000000000000, 4);
INSERT INTO live.posting VALUES (5, 1, 21, 100, 7, 0, 1800000000000000, 5);
INSERT INTO live.posting VALUES (6, 1, 22, 100, 7, 0, 1800000000000000, 5);
INSERT INTO live.round VALUES (1, 'closed', 100, 8036, 1800000000000000, 1800000010000000, 9500, '[{"name": "Seven", "classes": [[100, 60], [500, 4]], "sponsor": 7}, {"name": "Nine", "classes": [[1, 36]], "sponsor": 9}]', '\xce3d2750fcc7a212c7b5b4508ec0babf5156e93e4bc36629ab9d34888b2751c7', 'a15935a43b6e6713f02743c6488fef2e1d5b003daaeeed42c6a83b549af8aaf5', 42, 1800000000000000, 1800000011000000);
INSERT INTO live.stream VALUES (1, 0, 0, 2, 2, 2, 1, 1, 2, 1, NULL);
INSERT INTO live.suspense VALUES (3, 1, 0, 1, 2, 0, 2, 3, 100, 7, 1800000000000000, 100, 7, 'bad disk (damaged: entry 1-2: checksum 0dca1d31; the header says ffa19e32)');
INSERT INTO stress.batch OVERRIDING SYSTEM VALUE VALUES (1, 'fund', 2, NULL, NULL, NULL, NULL, NULL, 0, 8036, 1795696165973199);
INSERT INTO stress.batch OVERRIDING SYSTEM VALUE VALUES (2, 'credit', 2, 0, 0, 0, 1, 1, 2, 101, 1795696166042987);
INSERT INTO stress.batch OVERRIDING SYSTEM VALUE VALUES (3, 'set_aside', 2, 0, 1, 1, 1, 2, 0, 500, 1795696166070174);
INSERT INTO stress.batch OVERRIDING SYSTEM VALUE VALUES (4, 'credit', 2, 0, 1, 2, 1, 3, 1, 100, 1795696166081536);
INSERT INTO stress.batch OVERRIDING SYSTEM VALUE VALUES (5, 'credit', 2, 0, 1, 3, 2, 1, 2, 200, 1795696166101070);
INSERT INTO stress.batch OVERRIDING SYSTEM VALUE VALUES (6, 'refund', 2, NULL, NULL, NULL, NULL, NULL, 0, 7135, 1795696166169265);
INSERT INTO stress.entry VALUES (1, 'sponsor:7', -8000);
INSERT INTO stress.entry VALUES (1, 'budget:2:7', 8000);
INSERT INTO stress.entry VALUES (1, 'sponsor:9', -36);
INSERT INTO stress.entry VALUES (1, 'budget:2:9', 36);
INSERT INTO stress.entry VALUES (2, 'budget:2:7', -100);
INSERT INTO stress.entry VALUES (2, 'budget:2:9', -1);
INSERT INTO stress.entry VALUES (3, 'budget:2:7', -500);
INSERT INTO stress.entry VALUES (4, 'budget:2:7', -100);
INSERT INTO stress.entry VALUES (5, 'budget:2:7', -200);
INSERT INTO stress.entry VALUES (6, 'budget:2:7', -7100);
INSERT INTO stress.entry VALUES (6, 'sponsor:7', 7100);
INSERT INTO stress.entry VALUES (6, 'budget:2:9', -35);
INSERT INTO stress.entry VALUES (6, 'sponsor:9', 35);
INSERT INTO stress.lease VALUES (2, 0, 1, 1, 0, 21, true, '\x0f0000');
INSERT INTO stress.lease VALUES (2, 0, 2, 1, 21, 42, false, '\x030000');
INSERT INTO stress.posting VALUES (1, 2, 0, 1, 9, 0, 1800000011000000, 2);
INSERT INTO stress.posting VALUES (2, 2, 1, 100, 7, 0, 1800000011000000, 2);
INSERT INTO stress.posting VALUES (4, 2, 3, 100, 7, 0, 1800000011000000, 4);
INSERT INTO stress.posting VALUES (5, 2, 21, 100, 7, 0, 1800000011000000, 5);
INSERT INTO stress.posting VALUES (6, 2, 22, 100, 7, 0, 1800000011000000, 5);
INSERT INTO stress.round VALUES (2, 'closed', 100, 8036, 1800000011000000, 1800000021000000, 9500, '[{"name": "Seven", "classes": [[100, 60], [500, 4]], "sponsor": 7}, {"name": "Nine", "classes": [[1, 36]], "sponsor": 9}]', '\xfa9f5980bc9c881d73b6095aa022a558527506a464795c158309dd11dc30deee', '3395f9c14d79dfee1a90c5b5c07f97c416a8fc69e464ee8719158adab88bb55a', 42, 1800000011000000, 1800000022000000);
INSERT INTO stress.stream VALUES (2, 0, 0, 2, 2, 2, 1, 2, 2, 1, NULL);
INSERT INTO stress.suspense VALUES (3, 2, 0, 1, 2, 0, 2, 3, 500, 7, 1800000011000000, 500, 7, 'bad disk (damaged: entry 1-2: checksum 694a4906; the header says 9b21ca05)');
SELECT pg_catalog.setval('control.round_id', 2, true);
SELECT pg_catalog.setval('control.switch_history_id_seq', 1, true);
SELECT pg_catalog.setval('live.batch_batch_seq', 6, true);
SELECT pg_catalog.setval('stress.batch_batch_seq', 6, true);
ALTER TABLE ONLY control.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (front);
ALTER TABLE ONLY control.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);
ALTER TABLE ONLY control.switch_history
    ADD CONSTRAINT switch_history_pkey PRIMARY KEY (id);
ALTER TABLE ONLY control.switch
    ADD CONSTRAINT switch_pkey PRIMARY KEY (key, lane);
ALTER TABLE ONLY control.topology
    ADD CONSTRAINT topology_pkey PRIMARY KEY (version);
ALTER TABLE ONLY live.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (batch);
ALTER TABLE ONLY live.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (round, front, epoch, number);
ALTER TABLE ONLY live.round
    ADD CONSTRAINT round_pkey PRIMARY KEY (round);
ALTER TABLE ONLY live.stream
    ADD CONSTRAINT stream_pkey PRIMARY KEY (round, front);
ALTER TABLE ONLY stress.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (batch);
ALTER TABLE ONLY stress.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (round, front, epoch, number);
ALTER TABLE ONLY stress.round
    ADD CONSTRAINT round_pkey PRIMARY KEY (round);
ALTER TABLE ONLY stress.stream
    ADD CONSTRAINT stream_pkey PRIMARY KEY (round, front);
CREATE INDEX entry_account ON live.entry USING btree (account);
CREATE UNIQUE INDEX lease_lo ON live.lease USING btree (round, lo);
CREATE INDEX posting_round ON live.posting USING brin (round) WITH (pages_per_range='64');
CREATE INDEX posting_round_account ON live.posting USING btree (round, uid);
CREATE INDEX entry_account ON stress.entry USING btree (account);
CREATE UNIQUE INDEX lease_lo ON stress.lease USING btree (round, lo);
CREATE INDEX posting_round ON stress.posting USING brin (round) WITH (pages_per_range='64');
CREATE INDEX posting_round_account ON stress.posting USING btree (round, uid);
ALTER TABLE ONLY live.batch
    ADD CONSTRAINT batch_round_fkey FOREIGN KEY (round) REFERENCES live.round(round);
ALTER TABLE ONLY live.duplicate
    ADD CONSTRAINT duplicate_batch_fkey FOREIGN KEY (batch) REFERENCES live.batch(batch);
ALTER TABLE ONLY live.entry
    ADD CONSTRAINT entry_batch_fkey FOREIGN KEY (batch) REFERENCES live.batch(batch);
ALTER TABLE ONLY live.lease
    ADD CONSTRAINT lease_round_front_fkey FOREIGN KEY (round, front) REFERENCES live.stream(round, front);
ALTER TABLE ONLY live.stream
    ADD CONSTRAINT stream_round_fkey FOREIGN KEY (round) REFERENCES live.round(round);
ALTER TABLE ONLY live.suspense
    ADD CONSTRAINT suspense_batch_fkey FOREIGN KEY (batch) REFERENCES live.batch(batch);
ALTER TABLE ONLY stress.batch
    ADD CONSTRAINT batch_round_fkey FOREIGN KEY (round) REFERENCES stress.round(round);
ALTER TABLE ONLY stress.duplicate
    ADD CONSTRAINT duplicate_batch_fkey FOREIGN KEY (batch) REFERENCES stress.batch(batch);
ALTER TABLE ONLY stress.entry
    ADD CONSTRAINT entry_batch_fkey FOREIGN KEY (batch) REFERENCES stress.batch(batch);
ALTER TABLE ONLY stress.lease
    ADD CONSTRAINT lease_round_front_fkey FOREIGN KEY (round, front) REFERENCES stress.stream(round, front);
ALTER TABLE ONLY stress.stream
    ADD CONSTRAINT stream_round_fkey FOREIGN KEY (round) REFERENCES stress.round(round);
ALTER TABLE ONLY stress.suspense
    ADD CONSTRAINT suspense_batch_fkey FOREIGN KEY (batch) REFERENCES stress.batch(batch);
GRANT USAGE ON SCHEMA control TO xiu_control;
GRANT USAGE ON SCHEMA live TO xiu_live;
GRANT USAGE ON SCHEMA live TO xiu_control;
GRANT USAGE ON SCHEMA stress TO xiu_stress;
GRANT USAGE ON SCHEMA stress TO xiu_control;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.instance TO xiu_control;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.migration TO xiu_control;
GRANT SELECT,USAGE ON SEQUENCE control.round_id TO xiu_control;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.switch TO xiu_control;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.switch_history TO xiu_control;
GRANT SELECT,USAGE ON SEQUENCE control.switch_history_id_seq TO xiu_control;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE control.topology TO xiu_control;
GRANT SELECT,INSERT ON TABLE live.batch TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.batch TO xiu_control;
GRANT SELECT,USAGE ON SEQUENCE live.batch_batch_seq TO xiu_live;
GRANT SELECT,USAGE ON SEQUENCE live.batch_batch_seq TO xiu_control;
GRANT SELECT,INSERT ON TABLE live.duplicate TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.duplicate TO xiu_control;
GRANT SELECT,INSERT ON TABLE live.entry TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.entry TO xiu_control;
GRANT SELECT ON TABLE live.lease TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.lease TO xiu_control;
GRANT UPDATE(used) ON TABLE live.lease TO xiu_live;
GRANT SELECT,INSERT ON TABLE live.posting TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.posting TO xiu_control;
GRANT SELECT ON TABLE live.round TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.round TO xiu_control;
GRANT UPDATE(created_us) ON TABLE live.round TO xiu_live;
GRANT SELECT ON TABLE live.stream TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.stream TO xiu_control;
GRANT UPDATE(offset_epoch) ON TABLE live.stream TO xiu_live;
GRANT UPDATE(offset_seq) ON TABLE live.stream TO xiu_live;
GRANT UPDATE(stopped) ON TABLE live.stream TO xiu_live;
GRANT SELECT,INSERT ON TABLE live.suspense TO xiu_live;
GRANT SELECT,INSERT,UPDATE ON TABLE live.suspense TO xiu_control;
GRANT SELECT,INSERT ON TABLE stress.batch TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.batch TO xiu_control;
GRANT SELECT,USAGE ON SEQUENCE stress.batch_batch_seq TO xiu_stress;
GRANT SELECT,USAGE ON SEQUENCE stress.batch_batch_seq TO xiu_control;
GRANT SELECT,INSERT ON TABLE stress.duplicate TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.duplicate TO xiu_control;
GRANT SELECT,INSERT ON TABLE stress.entry TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.entry TO xiu_control;
GRANT SELECT ON TABLE stress.lease TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.lease TO xiu_control;
GRANT UPDATE(used) ON TABLE stress.lease TO xiu_stress;
GRANT SELECT,INSERT ON TABLE stress.posting TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.posting TO xiu_control;
GRANT SELECT ON TABLE stress.round TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.round TO xiu_control;
GRANT UPDATE(created_us) ON TABLE stress.round TO xiu_stress;
GRANT SELECT ON TABLE stress.stream TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.stream TO xiu_control;
GRANT UPDATE(offset_epoch) ON TABLE stress.stream TO xiu_stress;
GRANT UPDATE(offset_seq) ON TABLE stress.stream TO xiu_stress;
GRANT UPDATE(stopped) ON TABLE stress.stream TO xiu_stress;
GRANT SELECT,INSERT ON TABLE stress.suspense TO xiu_stress;
GRANT SELECT,INSERT,UPDATE ON TABLE stress.suspense TO xiu_control;
