-- Changes of switches, newest first.
SELECT id, key, before, after, who, why, at_us FROM control.switch_history ORDER BY id DESC LIMIT %(limit)s
