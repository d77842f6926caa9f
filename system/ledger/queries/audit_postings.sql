-- Postings of a round, packed: one value for 65,536 packets, 48 bytes a row, big endian. Several times faster than rows.
SELECT string_agg(int8send(uid) || int8send(packet) || int8send(fen) || int4send(sponsor) || int4send(front)
                  || int8send(award_us) || int8send(batch), '')
FROM {schema}.posting WHERE round = %(round)s GROUP BY packet >> 16
