-- A switch of a lane, persisted.
INSERT INTO control.switch (key, lane, value) VALUES (%(key)s, %(lane)s, %(value)s)
ON CONFLICT (key, lane) DO UPDATE SET value = excluded.value
