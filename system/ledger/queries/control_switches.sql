-- Switches that were ever set, by lane.
SELECT key, lane, value FROM control.switch
