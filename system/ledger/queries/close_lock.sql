-- First statement of the close: keeps every credit transaction of the round out (they hold the row FOR KEY SHARE).
SELECT state, sponsors, packets, next_packet, budget_fen FROM {schema}.round WHERE round = %(round)s FOR UPDATE
