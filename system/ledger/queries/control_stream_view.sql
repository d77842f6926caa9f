-- Where credit stands with a front's stream, for its rebuild.
SELECT s.offset_epoch, s.offset_seq, s.granted, r.state
FROM {schema}.stream s JOIN {schema}.round r USING (round)
WHERE s.round = %(round)s AND s.front = %(front)s
