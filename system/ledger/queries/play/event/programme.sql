-- name: play_rounds
-- The ledger's clock, and the rounds that are announced, open, or ended within the last hour: the soonest first.
WITH at AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us),
known AS (
    SELECT r.round, coalesce(p.item->>'title', '') AS title, r.state, r.packets, r.start_us, r.end_us, r.sponsors
    FROM {schema}.round r LEFT JOIN {schema}.programme_round p USING (round)
    UNION ALL
    SELECT p.round, p.item->>'title', 'announced',
           (SELECT coalesce(sum((c->>1)::bigint), 0)
            FROM jsonb_array_elements(p.item->'order'->'sponsors') s, jsonb_array_elements(s->'classes') c),
           (p.item->'order'->>'start_us')::bigint,
           (p.item->'order'->>'start_us')::bigint + (p.item->'order'->>'duration_ms')::bigint * 1000,
           p.item->'order'->'sponsors'
    FROM {schema}.programme_round p
    WHERE NOT EXISTS (SELECT 1 FROM {schema}.round r WHERE r.round = p.round)
),
found AS (
    SELECT known.* FROM known, at WHERE end_us > now_us - 3600000000 ORDER BY start_us, round LIMIT %(limit)s
)
SELECT at.now_us, coalesce((SELECT jsonb_agg(to_jsonb(found) ORDER BY start_us, round) FROM found), '[]'::jsonb) FROM at
