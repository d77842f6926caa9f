-- name: play_rounds
-- The ledger's clock, and the rounds that are to come, open, or ended within the last hour: the soonest first.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
       coalesce((SELECT jsonb_agg(to_jsonb(found) ORDER BY found.start_us, found.round) FROM (
           SELECT r.round, r.state, r.packets, r.start_us, r.end_us, r.sponsors
           FROM {schema}.round r
           WHERE r.end_us > (extract(epoch FROM clock_timestamp()) - 3600) * 1000000
           ORDER BY r.start_us, r.round LIMIT %(limit)s) found), '[]'::jsonb)
