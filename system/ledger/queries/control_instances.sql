-- Newest start of each front.
SELECT front, instance FROM control.instance
