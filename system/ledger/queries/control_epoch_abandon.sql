-- Leases of older epochs are never issued again, and never awarded from again.
UPDATE {schema}.lease SET abandoned = true
WHERE round = %(round)s AND front = %(front)s AND epoch < %(epoch)s AND NOT abandoned
