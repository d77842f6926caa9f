-- Control's own truth, shared by both lanes, as it began; migrations/ changes it from there, in order. Idempotent.
CREATE SCHEMA IF NOT EXISTS control;
CREATE TABLE IF NOT EXISTS control.topology (version int PRIMARY KEY, fronts jsonb NOT NULL, cells jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS control.instance (front int PRIMARY KEY, instance bigint NOT NULL, registered_us bigint NOT NULL);
CREATE TABLE IF NOT EXISTS control.switch (key text PRIMARY KEY, value int NOT NULL);
CREATE TABLE IF NOT EXISTS control.switch_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL, before int NOT NULL, after int NOT NULL, who text NOT NULL, why text NOT NULL, at_us bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS control.migration (number int PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE SEQUENCE IF NOT EXISTS control.round_id AS int;   -- one sequence for both lanes: an id names one round of one lane
