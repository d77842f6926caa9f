-- What the close waits for, stream by stream.
SELECT s.front, s.cell, i.instance, s.confirmed_instance, s.epoch, s.granted, s.confirmed_epoch, s.confirmed_seq,
       s.offset_epoch, s.offset_seq, s.stopped
FROM {schema}.stream s LEFT JOIN control.instance i USING (front)
WHERE s.round = %(round)s ORDER BY s.front
