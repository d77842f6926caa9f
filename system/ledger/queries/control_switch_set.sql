-- A switch, persisted.
INSERT INTO control.switch (key, value) VALUES (%(key)s, %(value)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
