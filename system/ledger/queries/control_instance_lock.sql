-- The newest instance of a front, held until the commit: no newer one can register meanwhile.
SELECT instance FROM control.instance WHERE front = %(front)s FOR SHARE
