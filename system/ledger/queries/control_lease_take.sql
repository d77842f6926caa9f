-- The next packets of the round; the row is held by the caller.
UPDATE {schema}.round SET next_packet = %(hi)s WHERE round = %(round)s AND next_packet = %(lo)s AND state = 'armed'
RETURNING next_packet
