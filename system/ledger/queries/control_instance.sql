-- The newest instance of a front, as this snapshot has it.
SELECT instance FROM control.instance WHERE front = %(front)s
