-- The close of a round is asked for; nothing happens to one that closes or is closed already.
UPDATE {schema}.round SET state = 'closing' WHERE round = %(round)s AND state = 'armed'
