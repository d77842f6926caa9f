SELECT front, epoch, number, lo, hi, abandoned, used FROM {schema}.lease WHERE round = %(round)s ORDER BY lo, hi
