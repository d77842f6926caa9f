-- The packet is used: its money is held.
UPDATE {schema}.lease SET used = %(used)s WHERE round = %(round)s AND front = %(front)s AND lo = %(lo)s
