-- The round does not close meanwhile; leases and epochs go on.
SELECT state FROM {schema}.round WHERE round = %(round)s FOR KEY SHARE
