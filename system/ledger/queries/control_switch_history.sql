-- Changes of switches, newest first. No lane: both at once.
SELECT id, key, lane, before, after, who, why, at_us FROM control.switch_history ORDER BY id DESC LIMIT %(limit)s
