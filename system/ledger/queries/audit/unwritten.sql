-- name: audit_counting_there
-- The table of fronts' starts; null in an older ledger.
SELECT to_regclass('control.counting')

-- name: audit_unwritten
-- Fronts whose newest start runs, and has not written since the last of these rounds closed, within the last minute.
SELECT count(*) FROM control.counting c,
     (SELECT max(r.closed_us) AS closed_us FROM {schema}.round r
      WHERE r.round = ANY(%(rounds)s)
        AND r.closed_us > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 60000000) r
WHERE NOT c.last AND c.until_us < r.closed_us
  AND NOT EXISTS (SELECT 1 FROM control.counting x WHERE x.front = c.front AND x.instance > c.instance)
