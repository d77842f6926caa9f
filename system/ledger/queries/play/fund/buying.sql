-- name: fund_holding
-- What an account of the money fund holds, in fen; no row before the first purchase.
SELECT amount FROM {schema}.holding WHERE account = %(account)s AND currency = 'fen'
