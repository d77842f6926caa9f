-- name: control_imbalance
-- Sum over every leg of the lane: 0 when every batch balances.
SELECT (coalesce((SELECT sum(fen) FROM {schema}.entry), 0) + coalesce((SELECT sum(fen) FROM {schema}.posting), 0)
        + coalesce((SELECT sum(held_fen) FROM {schema}.suspense), 0))

-- name: control_legs_apart
-- Currencies whose legs of all transfers do not add up to 0, and by how much: none when every transfer does.
SELECT currency, sum(amount) FROM {schema}.leg GROUP BY currency HAVING sum(amount) <> 0 ORDER BY currency
