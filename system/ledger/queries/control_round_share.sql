-- State of a round, held until the commit: neither closes nor leases meanwhile. Credit is not kept out.
SELECT state FROM {schema}.round WHERE round = %(round)s FOR SHARE
