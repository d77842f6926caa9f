-- The value before, held until the commit.
SELECT value FROM control.switch WHERE key = %(key)s FOR UPDATE
