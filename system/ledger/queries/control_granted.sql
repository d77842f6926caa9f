-- Newest granted epoch of each stream.
SELECT round, front, granted FROM {schema}.stream
