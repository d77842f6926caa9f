-- name: control_round_there
-- Whether there is such a round.
SELECT 1 FROM {schema}.round WHERE round = %(round)s

-- name: control_rounds
-- Rounds of the lane as control holds them; of the closed ones those closed since.
SELECT round, state, packets, budget_fen, start_us, end_us, release_ms, sponsors, seed, commitment, next_packet,
       created_us, closed_us, season
FROM {schema}.round WHERE state <> 'closed' OR closed_us >= %(since_us)s ORDER BY round

-- name: control_granted
-- Newest granted epoch of each stream of these rounds.
SELECT s.round, s.front, s.granted FROM {schema}.stream s JOIN {schema}.round r USING (round)
WHERE r.state <> 'closed' OR r.closed_us >= %(since_us)s

-- name: control_instances
-- Newest start of each front.
SELECT front, instance FROM control.instance

-- name: control_switches
-- Switches that were ever set, by lane; with a cell: the value that this cell has of its own.
SELECT key, lane, NULL::int AS cell, value FROM control.switch
UNION ALL SELECT key, lane, cell, value FROM control.switch_cell

-- name: control_programme_rounds
-- Every announced round, programmes by age, rounds in their order.
SELECT r.round, r.programme, r.item::text, r.seed, r.commitment
FROM {schema}.programme_round r JOIN {schema}.programme p USING (programme)
ORDER BY p.loaded_us, r.programme, r.place
