-- The values before, by lane, held until the commit.
SELECT lane, value FROM control.switch WHERE key = %(key)s ORDER BY lane FOR UPDATE
