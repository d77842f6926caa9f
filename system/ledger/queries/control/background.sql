-- name: control_imbalance
-- Sum over every leg of the lane: 0 when every batch balances.
SELECT (coalesce((SELECT sum(fen) FROM {schema}.entry), 0) + coalesce((SELECT sum(fen) FROM {schema}.posting), 0)
        + coalesce((SELECT sum(held_fen) FROM {schema}.suspense), 0))
