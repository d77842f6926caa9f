-- Last statement of the close.
UPDATE {schema}.round SET state = 'closed', closed_us = %(now_us)s WHERE round = %(round)s AND state = 'closing'
