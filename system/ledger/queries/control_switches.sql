-- Switches that were ever set.
SELECT key, value FROM control.switch
