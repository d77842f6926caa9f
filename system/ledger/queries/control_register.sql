-- The next instance of a front.
INSERT INTO control.instance AS i (front, instance, registered_us) VALUES (%(front)s, 1, %(now_us)s)
ON CONFLICT (front) DO UPDATE SET instance = i.instance + 1, registered_us = excluded.registered_us
RETURNING instance
