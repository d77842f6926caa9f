-- Who changed a switch, when and why.
INSERT INTO control.switch_history (key, lane, before, after, who, why, at_us)
VALUES (%(key)s, %(lane)s, %(before)s, %(after)s, %(who)s, %(why)s, %(at_us)s)
