-- A sponsor's accounts with their balances in fen: its own (negative: what it has paid in) and one budget a round.
SELECT account, sum(fen) FROM {schema}.entry
WHERE account = 'sponsor:' || %(sponsor)s OR account LIKE 'budget:%%:' || %(sponsor)s
GROUP BY account ORDER BY account
