-- name: control_register
-- The next instance of a front.
INSERT INTO control.instance AS i (front, instance, registered_us) VALUES (%(front)s, 1, %(now_us)s)
ON CONFLICT (front) DO UPDATE SET instance = i.instance + 1, registered_us = excluded.registered_us
RETURNING instance

-- name: control_instance_lock
-- The newest instance of a front, held until the commit: no newer one can register meanwhile.
SELECT instance FROM control.instance WHERE front = %(front)s FOR SHARE
