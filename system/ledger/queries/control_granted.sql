-- Newest granted epoch of each stream of these rounds.
SELECT s.round, s.front, s.granted FROM {schema}.stream s JOIN {schema}.round r USING (round)
WHERE r.state <> 'closed' OR r.closed_us >= %(since_us)s
